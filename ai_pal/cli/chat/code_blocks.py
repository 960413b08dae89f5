"""The code blocks of an answer, for `/copy code`. No I/O."""

from markdown_it import MarkdownIt


def code_blocks(markdown: str) -> list[str]:
    """The text of each fenced or indented block, in order, without its fence."""
    tokens = MarkdownIt("commonmark").parse(markdown)
    return [token.content for token in tokens if token.type in ("fence", "code_block")]
