"""What may be asked from Python."""

from typing import Any

import pytest

from ai_pal.client.prompt import conversation
from ai_pal.errors import AiPalError
from ai_pal.protocol.content import Image, Message, Text, ToolCall, ToolResult


@pytest.mark.parametrize("turn", [{"role": "user", "content": "hi"}, Message("user", "hi")])
def test_a_conversation_is_of_messages_or_dicts(turn: Any) -> None:
    assert conversation("hi") == conversation([turn]) == conversation((turn,)) == [Message("user", "hi")]


def test_dicts_hold_parts_too() -> None:
    parts = [{"type": "text", "text": "look"}, {"type": "image", "media_type": "image/png", "data": b"png"}]
    call = {"type": "tool_call", "id": "a", "name": "clock", "arguments": "{}"}
    result = {"type": "tool_result", "id": "a", "content": "noon"}
    assert conversation(
        [
            {"role": "user", "content": parts},
            {"role": "assistant", "content": [call]},
            {"role": "tool", "content": [result]},
        ]
    ) == [
        Message("user", [Text("look"), Image("image/png", b"png")]),
        Message("assistant", [ToolCall("a", "clock", "{}")]),
        Message("tool", [ToolResult("a", "noon")]),
    ]


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        (5, "int"),
        (None, "NoneType"),
        ({"role": "user", "content": "hi"}, "dict"),
        (["hi"], "turn 1 of the prompt cannot be of the type str"),
        ([Message("user", "hi"), {"role": "user"}], "turn 2 of the prompt cannot be read: .*`content`"),
        ([{"role": "robot", "content": "hi"}], "robot"),
        ([{"role": "user", "content": "hi", "image": "cat.png"}], "`image`"),
        ([{"role": "user", "content": [{"type": "video"}]}], "video"),
    ],
)
def test_what_is_no_prompt_is_refused_with_what_it_was(prompt: Any, says: str) -> None:
    with pytest.raises(AiPalError, match=says) as caught:
        conversation(prompt)
    assert caught.value.code == "bad_request"
