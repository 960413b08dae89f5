r"""Formulas between `\(` and `\)`, `\[` and `\]`, which many models write: rules for markdown-it. Each looks
a bounded way ahead, so that time grows with the text and no faster. Pure."""

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

FAR = 2_000
"""Characters, and lines, within which a formula has to end."""

_KINDS = {r"\(": (r"\)", "math_inline"), r"\[": (r"\]", "math_inline_double")}


def brackets(parser: MarkdownIt) -> None:
    """Add the rules, before what makes `(` of `\\(`."""
    parser.inline.ruler.before("escape", "math_brackets", _inline)
    parser.block.ruler.before("fence", "math_brackets", _block, {"alt": ["paragraph", "list", "blockquote"]})


def _inline(state: StateInline, silent: bool) -> bool:
    kind = _KINDS.get(state.src[state.pos : state.pos + 2])
    if kind is None:
        return False
    end, name = kind
    begin = state.pos + 2
    at = state.src.find(end, begin, min(begin + FAR, state.posMax))
    if at < 0 or not state.src[begin:at].strip():
        return False
    if not silent:
        state.push(name, "math", 0).content = state.src[begin:at]
    state.pos = at + 2
    return True


def _block(state: StateBlock, begin: int, end: int, silent: bool) -> bool:
    if state.is_code_block(begin) or not _line(state, begin).startswith(r"\["):
        return False
    for line in range(begin, min(end, begin + FAR // 20)):
        if _line(state, line).endswith(r"\]"):
            break
    else:
        return False
    if silent:
        return True
    state.line = line + 1
    token = state.push("math_block", "math", 0)
    token.content = state.getLines(begin, line + 1, state.sCount[begin], False).strip()[2:-2]
    token.map = [begin, state.line]
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()
