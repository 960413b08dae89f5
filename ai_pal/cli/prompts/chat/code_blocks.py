"""The code blocks of an answer, for `/copy code`. No I/O."""

from collections.abc import Callable

from markdown_it import MarkdownIt

from ai_pal.counted import counted


def code_blocks(markdown: str) -> list[str]:
    """The text of each fenced or indented block, in order, without its fence."""
    tokens = MarkdownIt("commonmark").parse(markdown)
    return [token.content for token in tokens if token.type in ("fence", "code_block")]


def chosen_block(argument: str, answer: str, say: Callable[[str], None]) -> str:
    """A code block of the answer, the last unless a number says which; "" after a remark."""
    word, _, number = argument.partition(" ")
    blocks = code_blocks(answer)
    if word != "code" or (number and not number.strip().isdecimal()):
        say("say /copy, /copy code for the last block of code, or /copy code 1 for the first")
    elif not blocks:
        say("there is no code in the last answer")
    elif not number:
        return blocks[-1]
    elif 1 <= int(number) <= len(blocks):
        return blocks[int(number) - 1]
    else:
        say(f"the last answer has {counted(len(blocks), 'block')} of code")
    return ""
