"""Markdown as lines of a terminal."""

import io
import re

import pytest
from rich.cells import cell_len

from ai_pal.cli.prompts.chat.markdown import Renderer

STYLE = re.compile(r"\x1b\[([0-9;]*)m")


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def colour_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def styled(markup: str, columns: int = 40) -> list[str]:
    return Renderer(Tty()).lines(markup, columns)


def plain(markup: str, columns: int = 40) -> list[str]:
    return [STYLE.sub("", line) for line in styled(markup, columns)]


def test_single_line_feeds_are_kept() -> None:
    assert plain("roses\nviolets") == ["roses", "violets"]


def test_html_and_images_stay_visible() -> None:
    assert plain("a <b>bold</b>") == ["a <b>bold</b>"]
    assert plain("<div>\nx\n</div>") == ["<div>", "x", "</div>"]
    assert "http://e/x.png" in " ".join(plain("![alt](http://e/x.png)"))


def test_a_link_shows_where_it_goes_and_is_no_hyperlink() -> None:
    assert plain("[here](http://evil.example/)") == ["here (http://evil.example/)"]
    assert "\x1b]8" not in "".join(styled("[here](http://evil.example/)"))


@pytest.mark.parametrize("entity", ["&#x202e;", "&#x2066;", "&#27;", "&#x9b;", "&#13;"])
def test_entities_do_not_smuggle_control_characters_in(entity: str) -> None:
    for markup in (f"a{entity}b", f"`a{entity}b`", f"# a{entity}b", f"[a{entity}](http://x)"):
        text = "".join(plain(markup))
        assert not {"\x1b", "\x9b", "\r", "\u202e", "\u2066"} & set(text)


def test_only_style_sequences_are_written() -> None:
    markup = "# T\n\n**b** `c` [l](http://x)\n\n```py\nx = 1\n```\n\n- a\n\n|a|b|\n|-|-|\n|1|2|\n"
    assert "\x1b" not in "".join(plain(markup))


def test_lines_have_no_blanks_at_their_end_and_fit_the_width() -> None:
    lines = plain("```python\n" + "x = 1  \n" * 3 + "y" * 60 + "\n```", 30)
    assert all(line == line.rstrip() and len(line) <= 30 for line in lines)


def test_code_is_the_code_and_nothing_else() -> None:
    assert plain("```python\ndef f():\n    return 1\n```") == ["def f():", "    return 1"]


def test_what_is_printed_for_good_leaves_long_lines_of_code_to_the_terminal() -> None:
    long = "x = " + "1 + " * 30 + "\u4e00"
    for markup in (f"```python\n{long}\n```", f"    {long}", f"```\nif x:\n{long}"):
        lines = [STYLE.sub("", line) for line in Renderer(Tty()).lines(markup, 30, whole_code=True)]
        assert lines[-1] == long
        assert all(cell_len(line) <= 30 for line in plain(markup, 30))
    prose = [STYLE.sub("", line) for line in Renderer(Tty()).lines("word " * 30, 30, whole_code=True)]
    assert all(len(line) <= 30 for line in prose)


def test_headings_stand_at_the_left() -> None:
    assert plain("# Title") == ["Title"]


def test_no_color_keeps_weight_but_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    codes = {
        int(code)
        for line in styled("# T\n\n**b** `c`\n\n```py\nx = 1\n```")
        for found in STYLE.findall(line)
        for code in found.split(";")
        if code
    }
    assert codes
    assert all(code < 30 for code in codes)
