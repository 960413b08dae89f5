"""Turns that follow each other."""

from collections.abc import Sequence

from ai_pal.protocol.content import Image, Message, Reasoning, Text, ToolCall, ToolResult
from workers.tool_turns import called, one_by_one, short, with_properties
from workers.turns import Manners, alternating, arranged, manners_of

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


SYSTEM, LATER = Message("system", "s"), Message("system", "t")


def test_a_system_message_that_has_to_be_there_is_there_and_empty() -> None:
    def shown(messages: Sequence[Message]) -> str | None:
        return "".join(one.text for one in messages) if messages[0].role == "system" else None

    manners = manners_of(shown)
    assert manners.silences
    assert not manners.alternates
    assert arranged([FIRST, SECOND], manners) == [Message("system", ""), FIRST, SECOND]


def test_a_system_message_without_a_place_stands_before_the_next_question() -> None:
    manners = Manners(system=False, later=False)
    assert arranged([SYSTEM, FIRST, ANSWER, LATER, SECOND], manners) == [
        Message("user", "s\n\na"),
        ANSWER,
        Message("user", "t\n\nb"),
    ]
    assert arranged([FIRST, ANSWER, LATER], manners) == [FIRST, ANSWER, Message("user", "t")]
    assert arranged([FIRST], manners) == [FIRST]


def test_those_in_front_are_one_where_the_template_takes_one() -> None:
    manners = Manners(later=False)
    assert arranged([SYSTEM, LATER, FIRST], manners) == [Message("system", "s\n\nt"), FIRST]
    assert arranged([SYSTEM, FIRST], manners) == [SYSTEM, FIRST]
    assert arranged([SYSTEM, LATER, FIRST], Manners()) == [SYSTEM, LATER, FIRST]


def test_a_poor_system_message_is_kept_away() -> None:
    assert arranged([FIRST], Manners(silences=True)) == [Message("system", ""), FIRST]
    assert arranged([SYSTEM, FIRST], Manners(silences=True)) == [SYSTEM, FIRST]


def test_what_a_template_takes_is_found_out() -> None:
    def particular(messages: Sequence[Message]) -> str | None:
        roles = [one.role for one in messages]
        calls = [part for one in messages for part in one.parts if isinstance(part, ToolCall)]
        if roles[1:2] == roles[:1] or len(calls) > 1 or any(len(one.id) != 9 for one in calls):
            return None
        return " ".join(one.name for one in calls) + " ".join(
            one.text for one in messages if one.role != "system"
        )

    def easy(messages: Sequence[Message]) -> str:
        said = [part for one in messages for part in one.parts if isinstance(part, Text | ToolCall)]
        return " ".join(part.text if isinstance(part, Text) else part.name for part in said)

    every = Manners(
        system=False, later=False, alternates=True, short_ids=True, single_calls=True, text_apart=True
    )
    assert manners_of(particular) == every
    assert manners_of(easy) == Manners()
    assert not manners_of(easy, system=False).system


def test_an_id_is_made_short_and_stays_the_same() -> None:
    assert short("abcdefgh1") == "abcdefgh1"
    made = short("call_0123456789")
    assert (len(made), made.isalnum(), made) == (9, True, short("call_0123456789"))
    assert short("call_0123456780") != made
    told = arranged([FIRST, *called(1, "call_1")], Manners(short_ids=True))
    assert [part.id for one in told[1:] for part in one.parts if isinstance(part, ToolCall | ToolResult)] == [
        short("call_1")
    ] * 2


def test_calls_of_one_turn_come_one_by_one() -> None:
    call, other = (ToolCall(one, "f", "{}") for one in "ab")
    results = [Message("tool", [ToolResult(one, one)]) for one in "ab"]
    said = Text("I look.")
    assert one_by_one([FIRST, Message("assistant", [said, call, other]), *results, SECOND]) == [
        FIRST,
        Message("assistant", [said, call]),
        results[0],
        Message("assistant", [other]),
        results[1],
        SECOND,
    ]


def test_what_is_said_beside_a_call_can_be_a_turn_of_its_own() -> None:
    call, thought = ToolCall("a", "f", "{}"), Reasoning("hm")
    beside = Message("assistant", [thought, Text("I look."), call])
    assert arranged([FIRST, beside], Manners(text_apart=True)) == [
        FIRST,
        Message("assistant", [Text("I look.")]),
        Message("assistant", [thought, call]),
    ]


def test_a_schema_keeps_its_order_and_has_properties() -> None:
    schema = {"properties": {}, "type": "object"}
    assert list(with_properties(schema)) == ["properties", "type"]
    assert with_properties({}) == {"type": "object", "properties": {}}
