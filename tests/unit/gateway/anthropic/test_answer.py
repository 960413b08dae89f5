"""Anthropic's answers in one piece."""

import json
from typing import Any

import pytest

from ai_pal.client.answer import Answer
from ai_pal.errors import Code, Failure
from ai_pal.gateway.anthropic.answer import MessageStream
from ai_pal.gateway.anthropic.warming import WarmingStream
from ai_pal.protocol import client as wire


def test_what_waits_for_its_turn_is_told_before_a_failure() -> None:
    pieces = [wire.Delta(1, at, 1, "{", "tool_call", at, name, name) for at, name in enumerate("fg")]
    failed = wire.Interrupted(1, Failure(Code.RATE_LIMITED, "slower"))
    said = MessageStream("msg_1", "m").events([*pieces, failed]).decode()
    assert said.index('"name":"g"') < said.index("slower")


def test_who_has_read_a_prompt_ahead_is_named_where_nobody_was() -> None:
    for writer in (MessageStream("msg_1", ""), WarmingStream("msg_1", "")):
        assert json.loads(writer.whole(Answer(model="small")))["model"] == "small"


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
