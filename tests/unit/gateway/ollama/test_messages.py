"""Turns of Ollama's chats."""

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
        Message("assistant", tool_calls=second),
    ]
    results = [Message("tool", "1", tool_call_id="a"), Message("tool", "2", tool_call_id="b")]
    together = Message("assistant", "I look", tool_calls=[*first, *second])
    assert conversation([*apart, *results]) == conversation([together, *results])
