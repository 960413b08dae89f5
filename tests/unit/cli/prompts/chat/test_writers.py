"""Where the text of an answer goes."""

import io
import os

import pytest

from ai_pal.cli.prompts.chat import writers
from ai_pal.cli.prompts.chat.writers import MarkdownWriter, PipeWriter, PlainWriter


def piped(*pieces: str) -> bytes:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    writer = PipeWriter(stream)
    for piece in pieces:
        writer.write(piece)
    writer.finish()
    return stream.buffer.getvalue()


def test_a_pipe_gets_utf8_as_it_was_written() -> None:
    assert piped("é ", "\x1b[31m", "\r\n") == "é \x1b[31m\r\n".encode()


def test_a_pipe_ends_with_a_line_feed_unless_nothing_came() -> None:
    assert piped("a") == b"a\n"
    assert piped("a\n", "") == b"a\n"
    assert piped() == b""


def test_a_plain_terminal_gets_neutral_text() -> None:
    stream = io.StringIO()
    writer = PlainWriter(stream)
    for piece in ("a\x1b", "]52;c;x\x07"):
        writer.write(piece)
    writer.finish()
    assert stream.getvalue() == "a\u241b]52;c;x\u2407\n"


def test_long_lines_of_code_are_wrapped_by_the_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, code = Screen(monkeypatch), "x = " + "1+" * 40 + "1"
    for piece in ("Look:\n\n```python\n", code[:50], f"{code[50:]}\n", "```\n\nThe end"):
        screen.writer.write(piece)
    screen.writer.finish()
    assert screen.rows() == ["Look:", "", code[:40], code[40:80], code[80:], "", "The end"]


class Screen:
    """A terminal of 40 columns and a clock that stands still."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pyte = pytest.importorskip("pyte")
        monkeypatch.setattr(writers, "size", lambda stream: os.terminal_size((40, 8)))
        self.screen = pyte.HistoryScreen(40, 8)
        self.stream = io.StringIO()
        self.writer = MarkdownWriter(self.stream, clock=lambda: 0.0)

    def rows(self) -> list[str]:
        import pyte

        self.screen.reset()
        pyte.Stream(self.screen).feed(self.stream.getvalue().replace("\n", "\r\n").replace("\r\r\n", "\r\n"))
        above = ["".join(row[i].data for i in sorted(row)).rstrip() for row in self.screen.history.top]
        rows = above + [row.rstrip() for row in self.screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_blocks_look_the_same_in_whatever_pieces_they_come(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Screen(monkeypatch)
    text = "# Title\nSome **bold** text\nand more\n\n- a\n- b\n\n```\ncode\n```\n\nEnd \x1b[2J&#x202e;"
    for start in range(0, len(text), size):
        screen.writer.write(text[start : start + size])
    screen.writer.finish()
    assert screen.rows() == [
        "Title", "", "Some bold text", "and more", "", " • a", " • b", "", "code", "",
        "End \u241b[2J\ufffd",
    ]  # fmt: skip


def test_an_unfinished_block_is_shown_as_it_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(monkeypatch)
    screen.writer.write("Hello ")
    assert screen.rows() == ["Hello"]
    screen.writer.write("**wor")
    assert screen.rows() == ["Hello **wor"]
    screen.writer.write("ld**")
    assert screen.rows() == ["Hello world"]
