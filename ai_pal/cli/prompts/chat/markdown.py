"""Markdown to styled terminal lines with rich: nothing is dropped, nothing reaches the terminal raw."""

from collections.abc import Iterable
from typing import ClassVar, TextIO

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement
from rich.segment import Segment, Segments
from rich.syntax import Syntax

from ai_pal.cli.terminal.neutral import neutral

CODE_THEME = "ansi_dark"
"""Uses the terminal's own sixteen colours, so it fits light and dark backgrounds."""

_TAB = 4
"""Columns of a tab, as rich's `Syntax` has it."""


class LeftHeading(Heading):
    """A heading at the left margin, whatever its level."""

    LEVEL_ALIGN: ClassVar = dict.fromkeys(Heading.LEVEL_ALIGN, "left")


class PlainCode(CodeBlock):
    """Highlighted code without indentation or a painted background: copied with the mouse, it is the code."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        code = str(self.text).rstrip()
        yield Syntax(code, self.lexer_name, theme=self.theme, word_wrap=True, background_color="default")


class ChatMarkdown(Markdown):
    """rich's Markdown with single line feeds, HTML and link targets kept visible."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": LeftHeading,
        "fence": PlainCode,
        "code_block": PlainCode,
    }

    def __init__(self, markup: str) -> None:
        super().__init__("", code_theme=CODE_THEME, hyperlinks=False)
        self.markup = markup
        self.parsed = list(_kept(_PARSER.parse(markup)))


_PARSER = (
    MarkdownIt("commonmark", {"html": False})
    .enable(["strikethrough", "table"])
    .disable(["html_block", "html_inline", "image"])
)


def _kept(tokens: Iterable[Token]) -> Iterable[Token]:
    """Line feeds stay line feeds, and entities such as `&#x202e;` are made harmless once decoded."""
    for token in tokens:
        token.content = neutral(token.content)
        if token.type == "softbreak":
            token.type = "hardbreak"
        token.children = token.children and list(_kept(token.children))
        yield token


class Renderer:
    """Renders blocks to lines for the terminal behind `stream`."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False, emoji=False, markup=False)

    def lines(self, markup: str, columns: int, *, whole_code: bool = False) -> list[str]:
        """`markup` as lines of at most `columns` cells. With `whole_code` the lines of a block of code may be
        longer: a terminal that wraps them itself copies them as what they are."""
        console, markdown = self._console, ChatMarkdown(markup)
        width = max(columns, 10, _code_width(markdown.parsed) if whole_code else 0)
        options = console.options.update(width=width, height=None)
        rows = console.render_lines(markdown, options, pad=False)
        rows = [_trimmed(row) for row in rows]
        while rows and not rows[0]:
            rows.pop(0)
        while rows and not rows[-1]:
            rows.pop()
        return [self._styled(row) for row in rows]

    def _styled(self, row: list[Segment]) -> str:
        with self._console.capture() as captured:
            self._console.print(Segments(row), end="", soft_wrap=True)
        return captured.get()


def _code_width(tokens: list[Token]) -> int:
    """Cells of the longest line, where nothing but code is there; else 0."""
    if not all(token.type in ("fence", "code_block") for token in tokens):
        return 0
    lines = [line for token in tokens for line in token.content.expandtabs(_TAB).split("\n")]
    return max(map(cell_len, lines), default=0)


def _trimmed(row: list[Segment]) -> list[Segment]:
    """Without the blanks at the end, which would rewrap into empty lines on a narrower screen."""
    row = list(row)
    while row:
        text, style, control = row[-1]
        kept = text.rstrip()
        if kept:
            row[-1] = Segment(kept, style, control)
            break
        row.pop()
    return row
