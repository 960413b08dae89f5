"""Reading a rotated log: the last lines, and following it over rotations."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.logs import ROTATE_KEEP
from ai_pal.logs.files import Follower, generations, last_lines


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "supervisor.log"


def handler(log: Path, size: int = 100) -> RotatingFileHandler:
    made = RotatingFileHandler(log, maxBytes=size, backupCount=ROTATE_KEEP, encoding="utf-8")
    made.setFormatter(logging.Formatter("%(message)s"))
    return made


def write(into: logging.Handler, *lines: str) -> None:
    for line in lines:
        into.emit(logging.LogRecord("test", logging.INFO, "", 0, line, None, None))


def test_the_last_lines_reach_back_over_rotations(log: Path) -> None:
    log.write_text("e\nf\n")
    log.with_name("supervisor.log.1").write_text("c\nd\n")
    log.with_name("supervisor.log.2").write_text("a\nb\n")
    files = generations(log)
    assert last_lines(files, 3) == ["d", "e", "f"]
    assert last_lines(files, 99) == list("abcdef")
    assert last_lines(files, 0) == []


def test_a_log_that_is_not_there_has_no_lines(log: Path) -> None:
    assert last_lines(generations(log), 5) == []
    with Follower(log, 5) as follower:
        assert follower.read() == []
        log.write_text("first\n")
        assert follower.read() == ["first"]


def test_following_begins_with_the_last_lines(log: Path) -> None:
    log.write_text("a\nb\nc\n")
    with Follower(log, 2) as follower:
        assert follower.read() == ["b", "c"]
        assert follower.read() == []
    with Follower(log, 0) as follower:
        assert follower.read() == []


def test_half_a_line_waits_for_its_end(log: Path) -> None:
    log.write_text("")
    with Follower(log, 0) as follower, log.open("a") as out:
        follower.read()
        out.write("hal")
        out.flush()
        assert follower.read() == []
        out.write("f\n")
        out.flush()
        assert follower.read() == ["half"]


@pytest.mark.parametrize("burst", [1, 3, 15, 30])
def test_no_line_is_lost_or_doubled_over_rotations(log: Path, burst: int) -> None:
    out = handler(log)
    write(out, "before")
    with Follower(log, 0) as follower:
        follower.read()
        written, heard = [f"line {number}" for number in range(90)], []
        for start in range(0, 90, burst):
            write(out, *written[start : start + burst])
            heard += follower.read()
    out.close()
    assert heard == written


def test_what_was_rotated_away_unseen_is_skipped(log: Path) -> None:
    out = handler(log)
    write(out, "seen")
    with Follower(log, 1) as follower:
        assert follower.read() == ["seen"]
        written = [f"line {number}" for number in range(500)]
        write(out, *written)
        heard = follower.read()
    out.close()
    assert (heard[0], heard[-1]) == (written[0], written[-1])
    assert heard == [line for line in written if line in heard]
    assert len(heard) < len(written)


@given(lines=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1)))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    log = tmp_path_factory.mktemp("log") / "supervisor.log"
    log.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    with Follower(log, 1000) as follower:
        assert follower.read() == lines
