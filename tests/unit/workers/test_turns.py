"""Turns that follow each other."""

from ai_pal.protocol.content import Image, Message, Text, ToolResult
from workers.turns import alternating

FIRST, SECOND, ANSWER = Message("user", "a"), Message("user", "b"), Message("assistant", "c")


def test_what_alternates_stays_as_it_is() -> None:
    assert alternating([FIRST, ANSWER, SECOND]) == [FIRST, ANSWER, SECOND]
    assert alternating([]) == []


def test_turns_of_one_role_are_one() -> None:
    assert alternating([FIRST, SECOND, ANSWER, ANSWER]) == [
        Message("user", "a\n\nb"),
        Message("assistant", "c\n\nc"),
    ]


def test_parts_stay_parts() -> None:
    picture = Image("image/png", b"x")
    assert alternating([Message("user", [picture]), FIRST]) == [
        Message("user", [picture, Text("\n\n"), Text("a")])
    ]


def test_results_of_tools_stay_apart() -> None:
    results = [Message("tool", [ToolResult(one, "r")]) for one in "ab"]
    assert alternating(results) == results
