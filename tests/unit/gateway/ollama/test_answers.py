"""Lines of Ollama's answers."""

import json

from ai_pal.gateway.ollama.answers import Lines
from ai_pal.protocol import client as wire

EVENTS: list[wire.AnyEvent] = [
    wire.Delta(1, 0, 1, "{}", "tool_call", 0, "a", "f"),
    wire.Delta(1, 1, 1, "so", "text", 1),
    wire.Delta(1, 2, 1, "{}", "tool_call", 2, "b", "g"),
    wire.Done(1, "tool_calls"),
]


def test_a_call_that_goes_too_deep_is_told_as_it_came() -> None:
    deep = wire.Delta(1, 0, 1, "[" * 2000, "tool_call", 0, "a", "f")
    first, _ = map(json.loads, Lines("chat", "m", 0.0).events([deep, EVENTS[-1]]).splitlines())
    assert first["message"]["tool_calls"][0]["function"]["arguments"] == {"cut off": "[" * 2000}


def test_calls_are_numbered_over_all_lines() -> None:
    lines = map(json.loads, Lines("chat", "m", 0.0).events(EVENTS).splitlines())
    calls = [call for line in lines for call in line["message"].get("tool_calls", ())]
    assert [(call["index"], call["function"]["index"]) for call in calls] == [(0, 0), (1, 1)]


def test_each_call_is_a_line_as_soon_as_it_is_whole() -> None:
    """Haystack takes the calls of one line for one."""
    lines = Lines("chat", "m", 0.0)
    first, second = (wire.Delta(1, at, 1, "{}", "tool_call", at, name, name) for at, name in enumerate("ab"))
    said = [lines.events([event]).splitlines() for event in (first, second, EVENTS[-1])]
    assert [len(one) for one in said] == [0, 1, 2]
    calls = [json.loads(one[0])["message"]["tool_calls"] for one in said[1:]]
    assert [[call["id"] for call in one] for one in calls] == [["a"], ["b"]]
