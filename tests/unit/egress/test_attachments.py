"""Attachments find their places."""

import pytest

from ai_pal.egress.attachments import filled
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.content import Audio, Image, Message, Text, ToolResult


def test_frames_become_the_bytes_of_their_parts() -> None:
    messages = [
        Message("user", "hi"),
        Message("user", [Text("see"), Image("image/png", frame=2), Image("image/gif", b"inline")]),
        Message("tool", [ToolResult("1", [Image("image/png", frame=1)]), ToolResult("2", "text")]),
        Message("user", [Audio("audio/wav", frame=2)]),
    ]
    assert filled(messages, [memoryview(b"one"), b"two"]) == [
        messages[0],
        Message("user", [Text("see"), Image("image/png", b"two"), Image("image/gif", b"inline")]),
        Message("tool", [ToolResult("1", [Image("image/png", b"one")]), ToolResult("2", "text")]),
        Message("user", [Audio("audio/wav", b"two")]),
    ]


def test_a_frame_that_has_not_come_is_refused() -> None:
    with pytest.raises(AiPalError) as raised:
        filled([Message("user", [Image("image/png", frame=2)])], [b"one"])
    assert raised.value.code == Code.BAD_REQUEST
