"""The parts of an answer, put together from its events in whatever pieces they come."""

from itertools import count, pairwise

from hypothesis import given
from hypothesis import strategies as st

from ai_pal.client.answer import Answer
from ai_pal.client.parts import Parts
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message, Reasoning, Text, TokenLogprob, ToolCall

Whole = Text | Reasoning | ToolCall

THOUGHT = Reasoning("hm, rivers", "signed")
SAID = Text("There are two.")
CALLS = [ToolCall("c1", "length", '{"river":"Loire"}'), ToolCall("c2", "length", "{}")]


def delta(text: str, kind: str = "text", index: int = 0, **more: str) -> wire.Delta:
    return wire.Delta(1, 0, 1, text, kind, index, **more)  # type: ignore[arg-type]


def gathered(*events: wire.AnyEvent) -> Parts:
    parts = Parts()
    for event in events:
        parts.take(event)
    return parts


def pieces_of(part: Whole, index: int, cuts: list[int]) -> list[wire.Delta]:
    """A part as deltas, cut at these places."""
    text = part.arguments if isinstance(part, ToolCall) else part.text
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    kind = {Text: "text", Reasoning: "reasoning", ToolCall: "tool_call"}[type(part)]
    found = [delta(text[a:b], kind, index) for a, b in pairwise(edges)]
    if isinstance(part, Reasoning):
        found.append(delta("", kind, index, signature=part.signature))
    if isinstance(part, ToolCall):
        found.insert(0, delta("", kind, index, call=part.id, name=part.name))
    return found


@given(st.lists(st.lists(st.integers(0, 40), max_size=5), min_size=4, max_size=4), st.randoms())
def test_parts_come_whole_however_they_are_cut_and_mixed(cuts: list[list[int]], chance: object) -> None:
    whole: list[Whole] = [THOUGHT, SAID, *CALLS]
    streams = [pieces_of(part, n, cut) for n, part, cut in zip(count(), whole, cuts, strict=False)]
    events = [stream.pop(0) for stream in streams]  # they begin in their order, and grow side by side
    while left := [stream for stream in streams if stream]:
        events.append(chance.choice(left).pop(0))  # type: ignore[attr-defined]
    found = gathered(*events)
    assert list(found.parts) == whole
    assert (found.text, found.reasoning, found.tool_calls) == (SAID.text, THOUGHT.text, CALLS)
    assert found.message == Message("assistant", [*whole])


def test_a_plain_answer_is_a_plain_message() -> None:
    assert gathered(delta("a "), delta("b")).message == Message("assistant", "a b")
    assert gathered().message == Message("assistant", "")


def test_reasoning_that_is_only_signed_is_sent_back_and_an_empty_text_is_not() -> None:
    found = gathered(delta("", "reasoning", signature="s"), delta("", index=1), delta("x", index=2))
    assert list(found.parts) == [Reasoning("", "s"), Text("x")]


def test_thoughts_of_who_does_not_answer_are_dropped() -> None:
    first = delta("hm", "reasoning", signature="of another")
    for kind in ("fallback", "retry"):
        found = gathered(
            first, wire.Notice(1, kind, "it failed"), delta("well", "reasoning"), delta("x", index=1)
        )
        assert list(found.parts) == [Reasoning("well"), Text("x")]
    other = gathered(first, wire.Started(1, 3, "openai", "gpt-4"), delta("x", index=1))
    assert list(other.parts) == [Text("x")], "no notice tells of one that was merely looked for"
    assert gathered(first, wire.Notice(1, "trimmed", "2 turns")).reasoning == "hm"
    assert not gathered(first, wire.Started(1, 3, "openai", "gpt-4")).parts


def test_what_was_said_before_a_seam_stays_and_parts_that_are_numbered_anew_are_others() -> None:
    found = gathered(
        delta("hm", "reasoning"),
        delta("one ", index=1),
        wire.Notice(1, "seam", "another goes on"),
        delta("I go on", "reasoning", 1),
        delta("two", index=1),
        delta("{}", "tool_call", 2, call="c1", name="length"),
        delta("{}", "tool_call", 2, call="c2", name="length"),
    )
    assert found.text == "one two"
    assert found.reasoning == "hmI go on"
    assert [call.id for call in found.tool_calls] == ["c1", "c2"]


def test_an_answer_holds_parts_and_probabilities() -> None:
    answer = Answer()
    token = TokenLogprob(b"There", -0.5)
    for piece in (*pieces_of(THOUGHT, 0, []), *pieces_of(SAID, 1, [3])):
        answer.take(piece)
    answer.take(wire.Logprobs(1, 0, [token]))
    answer.take(wire.Done(1, "stop"))
    assert (answer.text, answer.reasoning, answer.tool_calls) == (SAID.text, THOUGHT.text, [])
    assert answer.logprobs == [token]
    assert answer.message.parts == [THOUGHT, SAID]
    assert "There are two." in repr(answer)


def test_of_two_answers_with_a_seam_between_them_the_second_counts() -> None:
    parts = Parts()
    for event in (
        delta("draft"),
        wire.Notice(1, "seam", "phi-2 was unsure (0.90) -> openai:gpt-4"),
        wire.Started(1, 3, "openai", "gpt-4"),
        delta("hm", "reasoning", 1),
        delta("yes", index=2),
    ):
        parts.take(event)
    assert (parts.text, parts.reasoning) == ("yes", "hm")
    assert parts.message == Message("assistant", [Reasoning("hm"), Text("yes")])
    assert [part.text for part in parts.growing] == ["draft", "hm", "yes"]


def test_what_another_only_thought_replaces_nothing() -> None:
    parts = Parts()
    for event in (
        delta("a"),
        wire.Notice(1, "seam", "phi-2 was unsure (0.90) -> openai:gpt-4"),
        delta("hm", "reasoning", 1),
        delta("b"),
    ):
        parts.take(event)
    assert parts.text == "ab"
