"""Parts at the router: thoughts are shown and bind nobody, calls of tools bind, only text is gone on with."""

import pytest

from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Image, Message, PartKind, Text, ToolCall, ToolResult
from ai_pal.protocol.usage import Timings, Usage
from tests.unit.server.router.desk import ANN, ANTHROPIC, HI, OPENAI, POLICY, Desk, raw

BROKEN = Failure(Code.STREAM_BROKEN, "the stream broke", retryable=True)
DIED = Failure(Code.WORKER_DIED, "the worker died", retryable=True)
SEEN = Image("image/png", b"png")


def here_delta(
    desk: Desk, seq: int, text: str, kind: PartKind = "text", index: int = 0, call: str = "", name: str = ""
) -> None:
    desk.here_says(wire.ForwardedDelta(0, seq, 1, raw(text), kind, index, call, name))


def away_delta(desk: Desk, seq: int, text: str, kind: PartKind = "text", index: int = 0) -> None:
    desk.hears(out.CompletionDelta(desk.away[-1].key, seq, 1, text, kind, index))


def pieces(desk: Desk) -> list[tuple[int, str, int]]:
    """Each delta that the client heard: its number, its kind and its part's place."""
    return [(one.seq, one.kind, one.index) for one in desk.heard if isinstance(one, wire.ForwardedDelta)]


def test_who_has_only_thought_is_fallen_back_from_and_what_was_thought_stays() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask()
    away_delta(desk, 0, "hm ", "reasoning")
    away_delta(desk, 1, "well ", "reasoning")
    desk.away_fails(BROKEN)
    assert desk.away[-1].provider.name == "ollama"
    away_delta(desk, 0, "hm ", "reasoning")
    away_delta(desk, 1, "yes", "text", 1)
    desk.hears(out.CompletionDone(desk.away[-1].key, 2, "stop", Usage(5, 0, 2)))
    assert pieces(desk) == [(0, "reasoning", 0), (1, "reasoning", 0), (2, "reasoning", 1), (3, "text", 2)]
    assert desk.kinds().count("Started") == 2
    done = desk.last()
    assert isinstance(done, wire.Done)
    assert [row.outcome for row in desk.ledger] == [Code.STREAM_BROKEN, "done"]
    assert desk.ledger[0].completion_tokens == 2, "thoughts are paid for"
    assert done.usage.completion_tokens == 4


def test_when_all_have_only_thought_the_end_is_failed_and_tells_what_that_took() -> None:
    desk = Desk()
    desk.ask(model="openai:gpt-4")
    away_delta(desk, 0, "hm " * 100, "reasoning")
    desk.away_fails(Failure(Code.LENGTH, "all of it on thinking"), Usage(9, 0, 100))
    failed = desk.last()
    assert isinstance(failed, wire.Failed)
    assert (failed.usage, desk.ledger[0].outcome) == (Usage(9, 0, 100), Code.LENGTH)


def test_a_worker_that_dies_while_its_model_thinks_is_fallen_back_from() -> None:
    desk = Desk(OPENAI)
    desk.ask()
    desk.here_says(wire.Accepted(0))
    here_delta(desk, 0, "hm ", "reasoning")
    desk.here_says(wire.Interrupted(0, DIED, Usage(completion_tokens=1), Timings()))
    desk.away_says("yes")
    assert isinstance(desk.last(), wire.Done)
    assert pieces(desk) == [(0, "reasoning", 0), (1, "text", 1)]


def test_thoughts_are_life_and_no_first_content() -> None:
    desk = Desk(OPENAI)
    desk.ask()
    desk.here_says(wire.Accepted(0))
    desk.dispatched = 0.0
    for number in range(5):
        desk.clock.run(number * (POLICY.first_token - 0.5))
        here_delta(desk, number, "hm ", "reasoning")
        assert not desk.away
    desk.clock.run(desk.clock.now() + POLICY.first_token + 0.1)
    assert desk.away[0].provider.name == "ollama", "then it thought of nothing more"


def test_a_call_of_a_tool_binds() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask(continuation=True)
    away_delta(desk, 0, '{"', "tool_call")
    desk.away_fails(BROKEN)
    assert len(desk.away) == 1
    assert isinstance(desk.last(), wire.Interrupted)


@pytest.mark.parametrize("spoken", [True, False])
def test_nobody_goes_on_with_a_call_that_broke_off(spoken: bool) -> None:
    desk = Desk(ANTHROPIC)
    desk.ask(continuation=True)
    desk.here_says(wire.Accepted(0))
    if spoken:
        here_delta(desk, 0, "I look it up. ")
    here_delta(desk, int(spoken), '{"wh', "tool_call", 1, "c1", "look")
    desk.here_says(wire.Interrupted(0, DIED))
    assert not desk.away
    assert isinstance(desk.last(), wire.Interrupted)


def test_a_text_is_gone_on_with_in_its_own_place_whatever_is_thought_on_the_way() -> None:
    desk = Desk(ANTHROPIC)
    desk.ask(continuation=True)
    desk.here_says(wire.Accepted(0))
    here_delta(desk, 0, "hm ", "reasoning", 0)
    here_delta(desk, 1, "one ", "text", 1)
    desk.here_says(wire.Interrupted(0, DIED))
    assert desk.away[0].messages == [*HI, Message("assistant", "one ")], "its text alone"
    away_delta(desk, 0, "hm ", "reasoning", 0)
    away_delta(desk, 1, "two ", "text", 1)
    away_delta(desk, 2, "{}", "tool_call", 2)
    assert pieces(desk) == [
        (0, "reasoning", 0), (1, "text", 1), (2, "reasoning", 2), (3, "text", 1), (4, "tool_call", 3),
    ]  # fmt: skip


def test_an_answer_too_long_to_be_kept_is_not_gone_on_with() -> None:
    desk = Desk(ANTHROPIC)
    desk.ask(continuation=True)
    desk.here_says(wire.Accepted(0))
    for number in range(3):
        here_delta(desk, number, "x" * 500_000)
    desk.here_says(wire.Interrupted(0, DIED))
    assert not desk.away
    assert not desk.notices("seam")


def test_probabilities_are_numbered_as_the_client_counts() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask()
    away_delta(desk, 0, "hm ", "reasoning")
    desk.away_fails(BROKEN)
    away_delta(desk, 0, "yes")
    desk.hears(out.CompletionLogprobs(desk.away[-1].key, 0, []))
    assert desk.last() == wire.Logprobs(1, 1, [])


@pytest.mark.parametrize(
    "messages",
    [
        [Message("user", [SEEN])],
        [Message("user", [Text(" "), SEEN])],
        [
            Message("user", "what time is it?"),
            Message("assistant", [ToolCall("c1", "now", "{}")]),
            Message("tool", [ToolResult("c1", "noon")]),
        ],
    ],
    ids=["an image alone", "an image and nothing", "a tool's result last"],
)
def test_what_is_a_prompt(messages: list[Message]) -> None:
    desk = Desk()
    desk.ask(messages=messages, model="phi-2")
    assert len(desk.here) == 1


def test_blobs_travel_with_every_attempt() -> None:
    desk = Desk()
    desk.router.chat(ANN, wire.Chat(1, [Message("user", [Image("image/png", frame=1)])], "phi-2"), (b"png",))
    assert desk.here[0].job.blobs == (b"png",)
