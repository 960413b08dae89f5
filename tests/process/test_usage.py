"""Answers are accounted for by the real supervisor, and nothing of their text is."""

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.process.command import ai_pal
from tests.process.eventually import allowed, eventually
from tests.process.homes import Environ, stop_supervisor

SECRET = "zanzibar"
STOP_SECONDS = 5.0


def usage(environ: Environ, *args: str) -> dict[str, Any]:
    found = json.loads(ai_pal(environ, "usage", "--json", *args).stdout)
    assert isinstance(found, dict)
    return found


def test_answers_given_here_are_counted_and_what_they_saved(home: Environ) -> None:
    for _ in range(2):
        assert ai_pal(home, "chat", "--no-history", f"{SECRET} one two").returncode == 0
    found = eventually(lambda: (found := usage(home))["answers"] == 2 and found)
    assert (found["here"], found["left"], found["spent"]) == (1.0, 0, 0.0)
    assert isinstance(found["saved"], float)
    assert found["saved"] > 0
    (line,) = usage(home, "--by", "model")["lines"]
    assert line["key"] == "echo"
    shown = ai_pal(home, "usage", "--by", "tier").stdout
    assert "answered here      100% of 2" in shown
    assert "list prices of " in shown
    assert not [
        path for path in Path(home["HOME"]).glob("ai-pal.db*") if SECRET.encode() in path.read_bytes()
    ]


def test_what_waits_is_written_when_the_supervisor_stops(home: Environ) -> None:
    assert ai_pal(home, "chat", "--no-history", "one").returncode == 0
    stop_supervisor(home)
    assert usage(home)["answers"] == 1


def test_a_damaged_ledger_is_logged_and_answers_go_on(home: Environ) -> None:
    (Path(home["HOME"]) / "ai-pal.db").write_bytes(b"damaged" * 1000)
    for _ in range(2):
        assert ai_pal(home, "chat", "--no-history", "hello").stdout == "hello \n"
    logs = Path(home["HOME"]) / "logs"
    assert eventually(lambda: "ledger_failed" in "".join(path.read_text() for path in logs.iterdir()))


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "7", "-1d"])
def test_a_time_that_is_none_is_refused(home: Environ, since: str) -> None:
    assert ai_pal(home, "usage", f"--since={since}").returncode == 2


def test_a_database_that_another_holds_delays_neither_answers_nor_the_stop(home: Environ) -> None:
    assert ai_pal(home, "chat", "--no-history", "one").returncode == 0
    eventually(lambda: usage(home)["answers"] == 1)
    with closing(sqlite3.connect(Path(home["HOME"]) / "ai-pal.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        assert ai_pal(home, "chat", "--no-history", "two").stdout == "two \n"
        begun = time.monotonic()
        stop_supervisor(home)
        assert time.monotonic() - begun < allowed(STOP_SECONDS)
