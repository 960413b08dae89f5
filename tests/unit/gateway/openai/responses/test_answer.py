"""Responses as they are written: every event is one that OpenAI's own types know."""

import json
from typing import Any

import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from ai_pal.client.answer import Answer
from ai_pal.errors import Code, Failure
from ai_pal.gateway.asking import seals
from ai_pal.gateway.openai.responses.answer import ResponseStream, Wishes
from ai_pal.gateway.openai.responses.echo import echo
from ai_pal.gateway.openai.responses.request import ResponsesBody
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message, TokenLogprob
from ai_pal.protocol.usage import Usage

KNOWN: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
THOUGHTS: list[wire.AnyEvent] = [
    wire.Delta(1, 0, 2, "I think", "reasoning", 0),
    wire.Delta(1, 2, 0, "", "reasoning", 0, signature="sealed"),
]
CALLS: list[wire.AnyEvent] = [
    wire.Delta(1, 2, 1, "", "tool_call", 1, "a", "f"),
    wire.Delta(1, 3, 1, "{", "tool_call", 1),
    wire.Delta(1, 4, 1, "{}", "tool_call", 2, "b", "g"),
    wire.Delta(1, 5, 1, "}", "tool_call", 1),
]
TEXT: list[wire.AnyEvent] = [wire.Delta(1, 6, 1, "Hi"), wire.Logprobs(1, 6, [TokenLogprob(b"Hi", -0.5)])]
DONE = wire.Done(1, "stop", usage=Usage(9, 4, 7))


class Told:
    """A writer, what it keeps, and what came out of it, each event looked at."""

    def __init__(self, *wishes: bool) -> None:
        self.kept: list[tuple[dict[str, Any], Message]] = []
        fields = echo(ResponsesBody(input="x"))
        self.writer = ResponseStream("resp_1", "m", fields, Wishes(*wishes), lambda *it: self.kept.append(it))
        self.events: list[dict[str, Any]] = []

    def take(self, data: bytes) -> list[str]:
        """Names of the events in what was written."""
        found = [json.loads(line[6:]) for line in data.decode().split("\n") if line.startswith("data: ")]
        for event in found:
            KNOWN.validate_python(event)
        self.events += found
        assert [event["sequence_number"] for event in self.events] == list(range(len(self.events)))
        return [event["type"].removeprefix("response.") for event in found]


def test_items_come_one_after_the_other_where_calls_grow_side_by_side() -> None:
    told = Told()
    names = told.take(told.writer.events([*THOUGHTS, *CALLS, *TEXT, DONE]))
    calls = "function_call_arguments"
    assert names == [
        *("created", "in_progress", "output_item.added", "content_part.added", "reasoning_text.delta"),
        *("reasoning_text.done", "content_part.done", "output_item.done"),
        *("output_item.added", f"{calls}.delta", f"{calls}.delta", f"{calls}.done", "output_item.done"),
        *("output_item.added", f"{calls}.delta", f"{calls}.done", "output_item.done"),
        *("output_item.added", "content_part.added", "output_text.delta", "output_text.delta"),
        *("output_text.done", "content_part.done", "output_item.done", "completed"),
    ]
    response, turn = told.kept[0]
    assert response == told.events[-1]["response"]
    assert [item["type"] for item in response["output"]] == [
        *("reasoning", "function_call", "function_call", "message"),
    ]
    assert [item.get("arguments") for item in response["output"][1:3]] == ["{}", "{}"]
    assert response["usage"]["output_tokens_details"] == {"reasoning_tokens": 2}
    assert response["usage"]["input_tokens_details"]["cached_tokens"] == 4
    assert response["output"][3]["content"][0]["logprobs"][0]["logprob"] == -0.5
    assert "encrypted_content" not in response["output"][0]  # Open Responses knows no null there
    assert len(turn.parts) == 4


def test_a_whole_holds_what_a_stream_ends_with() -> None:
    stream, whole, answer = Told(), Told(), Answer()
    for event in (*THOUGHTS, *CALLS, *TEXT, DONE):
        answer.take(event)
    stream.take(stream.writer.events([*THOUGHTS, *CALLS, *TEXT, DONE]))
    body = json.loads(whole.writer.whole(answer))
    Response.model_validate(body)
    streamed = stream.events[-1]["response"]
    for response in (body, streamed):
        for item in response["output"]:
            item.pop("id")
        response.pop("created_at"), response.pop("completed_at")
    assert body == streamed


def test_thoughts_are_told_as_a_summary_and_sealed_where_that_was_asked_for() -> None:
    told = Told(True, True)
    names = told.take(told.writer.events([*THOUGHTS, *TEXT, DONE]))
    assert names[3:7] == [
        *("reasoning_summary_part.added", "reasoning_summary_text.delta"),
        *("reasoning_summary_text.done", "reasoning_summary_part.done"),
    ]
    item = told.kept[0][0]["output"][0]
    assert item["summary"] == [{"type": "summary_text", "text": "I think"}]
    assert seals.opened(item["encrypted_content"]) == seals.Thought("I think", "sealed")
    assert "encrypted_content" not in told.events[2]["item"]


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_what_was_cut_off_is_incomplete(reason: Any) -> None:
    told = Told()
    assert told.take(told.writer.events([*TEXT, wire.Done(1, reason)]))[-1] == "incomplete"
    assert told.events[-1]["response"]["output"][0]["status"] == "incomplete"
    assert told.events[-1]["response"]["incomplete_details"]["reason"] in reason + "max_output_tokens"


def test_a_failure_is_the_last_event_and_nothing_is_kept() -> None:
    told = Told()
    failed = wire.Interrupted(1, Failure(Code.RATE_LIMITED, "slower"))
    assert told.take(told.writer.events([*TEXT, failed]))[-1] == "failed"
    response = told.events[-1]["response"]
    assert response["error"] == {"code": "rate_limit_exceeded", "message": "slower"}
    (item,) = response["output"]
    assert (item["status"], item["content"][0]["text"]) == ("incomplete", "Hi")
    assert told.kept == []


def test_what_waits_for_its_turn_is_told_before_a_failure() -> None:
    told = Told()
    failed = wire.Interrupted(1, Failure(Code.RATE_LIMITED, "slower"))
    told.take(told.writer.events([*CALLS[:3], failed]))
    assert [item["name"] for item in told.events[-1]["response"]["output"]] == ["f", "g"]


def test_text_waits_for_its_probabilities_until_much_has_come_without_any() -> None:
    told = Told(False, False, True)
    text, likely = TEXT
    assert "output_text.delta" not in told.take(told.writer.events([text]))
    assert told.take(told.writer.events([likely])) == ["output_text.delta"]
    assert (told.events[-1]["delta"], len(told.events[-1]["logprobs"])) == ("Hi", 1)
    assert told.take(told.writer.events([wire.Delta(1, 7, 1, ".")] * 8)) == []
    assert told.take(told.writer.events([wire.Delta(1, 8, 1, "!")])) == ["output_text.delta"]
    assert (told.events[-1]["delta"], told.events[-1]["logprobs"]) == ("........!", [])
    assert told.take(told.writer.events([wire.Delta(1, 9, 1, "?")])) == ["output_text.delta"]


def test_of_one_that_is_stopped_all_that_has_come_is_kept() -> None:
    told = Told()
    told.take(told.writer.events(CALLS[:3]))
    assert told.take(told.writer.cancelled())[-1] == "incomplete"
    ((response, turn),) = told.kept
    assert [item["name"] for item in response["output"]] == ["f", "g"]
    assert len(turn.parts) == 2


def test_silence_is_broken_behind_the_beginning() -> None:
    told = Told()
    data = told.writer.alive(wire.Loading(1, "m", 0.5))
    assert told.take(data) == ["created", "in_progress"]
    assert data.startswith(b": loading m, 50%\n\n")


@pytest.mark.parametrize(
    ("said", "event"),
    [
        ([], "in_progress"),
        (THOUGHTS, "reasoning_text.delta"),
        (CALLS, "function_call_arguments.delta"),
        ([*THOUGHTS, *TEXT], "output_text.delta"),
    ],
    ids=["nothing", "thoughts", "calls", "text"],
)
def test_silence_is_broken_by_an_event_each_time(said: list[wire.AnyEvent], event: str) -> None:
    """Codex gives up after five minutes without an event, LangChain after two; comments are none."""
    told = Told()
    told.take(told.writer.alive(None) + told.writer.events(said))
    data = told.writer.alive(None)
    assert data.startswith(b": working\n\n")
    assert told.take(data) == told.take(told.writer.alive(None)) == [event]
    assert told.events[-1].get("delta", "") == ""
