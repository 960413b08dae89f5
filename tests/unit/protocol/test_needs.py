"""What a request needs of whoever answers it, and how many frames follow it."""

from typing import Any

import pytest

from ai_pal.protocol import needs
from ai_pal.protocol.content import Audio, Image, Message, Text, ToolCall, ToolResult
from ai_pal.protocol.frames import frames_behind
from ai_pal.protocol.options import GenerationOptions, Grammar, JsonObject, JsonSchema, Tool

PLAIN = [Message("user", "x")]


@pytest.mark.parametrize(
    ("options", "needed"),
    [
        ({}, []),
        ({"temperature": 0.5, "seed": 3, "stop": ["x"], "thinking": "off"}, []),
        ({"tools": [Tool("a")]}, ["tools"]),
        ({"tools": [Tool("a")], "tool_choice": "none"}, []),
        ({"response_format": JsonObject()}, ["schema"]),
        ({"response_format": JsonSchema({})}, ["schema"]),
        ({"response_format": Grammar("root ::= x")}, ["grammar"]),
        ({"logprobs": 0}, ["logprobs"]),
    ],
)
def test_options_tell_what_is_needed(options: dict[str, Any], needed: list[str]) -> None:
    assert needs.of_chat(PLAIN, GenerationOptions(**options)) == ["chat", *needed]


@pytest.mark.parametrize(
    ("parts", "needed", "frames"),
    [
        ([Text("x")], [], 0),
        ([Image("image/png", b"x"), Image("image/png", frame=2)], ["images"], 2),
        ([Audio("audio/wav", frame=1)], ["audio"], 1),
        ([ToolCall("a", "b", "{}")], ["tools"], 0),
        ([ToolResult("a", [Text("x"), Image("image/png", frame=3)])], ["tools", "images"], 3),
    ],
)
def test_parts_tell_what_is_needed(parts: list[Any], needed: list[str], frames: int) -> None:
    messages = [*PLAIN, Message("user", parts)]
    assert needs.of_chat(messages, GenerationOptions()) == ["chat", *needed]
    assert frames_behind(messages) == frames
