"""Turns of Ollama's chats."""

import time

import pytest

from ai_pal.gateway.ollama.messages import Call, Function, Message, conversation
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.protocol import content as ours


def test_roles_are_in_any_case() -> None:
    said = conversation([Message("SYSTEM", "a"), Message("User", "b"), Message("assistant", "c")])
    assert conversation([Message("Developer", "a")]) == said[:1]
    assert said == [ours.Message("system", "a"), ours.Message("user", "b"), ours.Message("assistant", "c")]


@pytest.mark.parametrize("role", ["bot", ""])
def test_what_is_no_role(role: str) -> None:
    with pytest.raises(BodyError) as caught:
        conversation([Message("user", "a"), Message(role, "b")])
    assert caught.value.param == "messages[1].role"


def test_calls_that_come_in_messages_of_their_own_are_of_one_turn() -> None:
    first, second = ([Call(Function(name), name)] for name in "ab")
    apart = [
        Message("assistant", "I look"),
        Message("assistant", tool_calls=first),
        Message("assistant", "in two places"),
        Message("assistant", tool_calls=second),
    ]
    results = [Message("tool", "1", tool_call_id="a"), Message("tool", "2", tool_call_id="b")]
    turn, *_ = found = conversation([*apart, *results])
    assert [one.role for one in found] == ["assistant", "tool", "tool"]
    assert turn.parts == [
        ours.Text("I look"),
        ours.ToolCall("a", "a", "{}"),
        ours.Text("in two places"),
        ours.ToolCall("b", "b", "{}"),
    ]


def test_thousands_of_calls_find_their_results_in_no_time() -> None:
    """By their ids, their names, and their order, the last one first."""
    count = 20_000
    calls = [Call(Function(f"f{n}"), f"id{n}") for n in range(3 * count)]
    results = [
        *(Message("tool", "x", tool_call_id=f"id{n}") for n in reversed(range(count))),
        *(Message("tool", "x", tool_name=f"f{n}") for n in reversed(range(count, 2 * count))),
        *(Message("tool", "x") for _ in range(count)),
    ]
    began = time.process_time()
    said = conversation([Message("assistant", tool_calls=calls), *results])
    assert time.process_time() - began < 15.0
    found = [part.id for turn in said for part in turn.parts if isinstance(part, ours.ToolResult)]
    order = (*reversed(range(count)), *reversed(range(count, 2 * count)), *range(2 * count, 3 * count))
    assert found == [f"id{n}" for n in order]
