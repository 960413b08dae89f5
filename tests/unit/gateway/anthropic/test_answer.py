"""Anthropic's answers in one piece."""

import json
from typing import Any

import pytest

from ai_pal.client.answer import Answer
from ai_pal.gateway.anthropic.answer import MessageStream
from ai_pal.protocol import client as wire


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        *(
            ('{"a": 1}', {"a": 1}),
            (" ", {}),
            ('{"a": ', {}),
            ("[1]", {"value": [1]}),
            ('"x"', {"value": "x"}),
        ),
        ("[" * 2000, {}),
    ],
)
def test_what_a_tool_is_called_with_is_an_object(arguments: str, found: Any) -> None:
    answer = Answer()
    answer.take(wire.Delta(1, 0, 1, arguments, "tool_call", 0, "a", "f"))
    answer.take(wire.Done(1, "tool_calls"))
    message = json.loads(MessageStream("msg_1", "m").whole(answer))
    assert message["content"] == [{"type": "tool_use", "id": "a", "name": "f", "input": found}]
