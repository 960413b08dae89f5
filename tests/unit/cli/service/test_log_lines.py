"""JSON log lines as people see them."""

import pytest

from ai_pal.cli.service.log_lines import readable


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_time_level_event_and_fields() -> None:
    line = '{"pid":7,"reason":"two words","event":"ready","level":"info","code":null,"ok":true}'
    assert readable(line) == ' info     ready  pid=7  reason="two words"  code=null  ok=true'


def test_the_time_is_that_of_the_place() -> None:
    shown = readable('{"event":"x","level":"info","timestamp":"2026-11-22T12:34:56.789Z"}')
    assert shown[:19].count(":") == 2
    assert "T" not in shown
    assert readable('{"event":"x","level":"info","timestamp":"?"}') == "? info     x"


@pytest.mark.parametrize("line", ["Traceback (most recent call last):", "[1, 2]", "{half"])
def test_what_is_no_json_object_stays(line: str) -> None:
    assert readable(line) == line


def test_nothing_drives_the_terminal() -> None:
    assert "\x1b" not in readable('{"event":"\\u001b]52;c;x","level":"info","line":"\\u001b[2J\\n"}')
    assert "\x1b" not in readable("\x1b[2Jplain")


def test_severe_lines_are_coloured_where_colour_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    line = '{"event":"x","level":"error"}'
    assert readable(line, colour=True) == "\x1b[31m error    x\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert readable(line, colour=True) == " error    x"
