"""Whether each call of a tool has its result."""

import pytest

from ai_pal.gateway.asking.answered_calls import never_answered, unanswered
from ai_pal.protocol.content import Message, Text, ToolCall, ToolResult

USER = Message("user", "x")


def calls(*ids: str) -> Message:
    return Message("assistant", [Text("so"), *(ToolCall(name, "f", "{}") for name in ids)])


def results(*ids: str) -> Message:
    return Message("tool", [ToolResult(name, "y") for name in ids])


@pytest.mark.parametrize(
    ("messages", "at_once", "ever"),
    [
        ([], None, None),
        ([USER, calls(), USER], None, None),
        ([USER, calls("a"), results("a"), USER], None, None),
        ([USER, calls("a", "b"), results("b"), results("a"), USER], None, None),
        ([USER, calls("a"), results("a"), calls("a"), results("a")], None, None),
        ([USER, calls("a")], (1, "a"), "a"),
        ([USER, calls("a", "b"), results("a"), USER], (1, "b"), "b"),
        ([USER, calls("a"), USER, results("a")], (1, "a"), None),
        ([calls("a"), results("a"), calls("b"), calls("c"), results("b", "c")], (2, "b"), None),
    ],
)
def test_calls_have_results(
    messages: list[Message], at_once: tuple[int, str] | None, ever: str | None
) -> None:
    assert (unanswered(messages), never_answered(messages)) == (at_once, ever)
