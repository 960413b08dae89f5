"""The live region, as a terminal shows it."""

import io
import os

import pyte

from ai_pal.cli.terminal.region import Region


class Glass:
    """A terminal emulator that a region writes to."""

    def __init__(self, columns: int = 20, rows: int = 6) -> None:
        self.screen = pyte.HistoryScreen(columns, rows)
        self._emulator = pyte.Stream(self.screen)
        self.written: list[str] = []
        self.region = Region(self, self.size)  # type: ignore[arg-type]

    def size(self) -> os.terminal_size:
        return os.terminal_size((self.screen.columns, self.screen.lines))

    def write(self, text: str) -> int:
        self.written.append(text)
        self._emulator.feed(text)
        return len(text)

    def flush(self) -> None:
        pass

    @property
    def rows(self) -> list[str]:
        rows = [row.rstrip() for row in self.screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    @property
    def above(self) -> list[str]:
        """What has scrolled off the top."""
        return ["".join(row[i].data for i in sorted(row)).rstrip() for row in self.screen.history.top]


def test_drawing_again_replaces_what_was_drawn() -> None:
    glass = Glass()
    glass.region.draw(["one"])
    glass.region.draw(["one", "two"])
    glass.region.draw(["uno", "dos", "tres"])
    assert glass.rows == ["uno", "dos", "tres"]


def test_fewer_lines_leave_nothing_behind() -> None:
    glass = Glass()
    glass.region.draw(["one", "two", "three"])
    glass.region.draw(["a"])
    assert glass.rows == ["a"]
    glass.region.draw([])
    assert glass.rows == []


def test_the_cursor_rests_at_the_top() -> None:
    glass = Glass()
    glass.region.commit(["printed"])
    glass.region.draw(["one", "two", "three"])
    assert (glass.screen.cursor.y, glass.screen.cursor.x) == (1, 0)


def test_committed_lines_stay_above() -> None:
    glass = Glass()
    glass.region.draw(["half"])
    glass.region.commit(["half a block"])
    glass.region.draw(["next"])
    assert glass.rows == ["half a block", "next"]


def test_a_region_taller_than_the_screen_shows_its_end_and_is_committed_whole() -> None:
    glass = Glass(rows=4)
    lines = [f"line {n}" for n in range(9)]
    for n in range(1, 10):
        glass.region.draw(lines[:n])
    assert glass.rows == lines[-3:]
    glass.region.commit(lines)
    assert glass.above + glass.rows == lines


def test_drawing_at_the_bottom_of_the_screen_scrolls_once() -> None:
    glass = Glass(rows=4)
    glass.region.commit(["a", "b", "c"])
    glass.region.draw(["x"])
    glass.region.draw(["x", "y"])
    glass.region.commit(["x", "y"])
    assert glass.above + glass.rows == ["a", "b", "c", "x", "y"]


def test_unchanged_lines_are_not_written_again() -> None:
    glass = Glass()
    glass.region.draw(["the same", "changes"])
    glass.region.draw(["the same", "changes!"])
    assert "the same" not in glass.written[-1]


def test_after_a_resize_everything_is_drawn_anew() -> None:
    glass = Glass(columns=20)
    glass.region.commit(["kept"])
    glass.region.draw(["a long line of text", "end"])
    glass.screen.resize(columns=12)
    glass.region.draw(["a long line", "of text", "end"])
    assert glass.rows == ["kept", "a long line", "of text", "end"]


def test_close_erases_what_is_live_and_shows_the_cursor() -> None:
    glass = Glass()
    glass.region.draw(["half"])
    assert glass.screen.cursor.hidden
    glass.region.close()
    assert glass.rows == []
    assert not glass.screen.cursor.hidden


def test_a_closed_region_writes_to_any_text_stream() -> None:
    stream = io.StringIO()
    Region(stream, lambda: os.terminal_size((80, 24))).close()
    assert stream.getvalue() == "\x1b[?25h"
