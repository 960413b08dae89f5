"""How the events of an answer add up."""

import msgspec
import pytest

from ai_pal.cli.prompts.chat.answer import ShownAnswer
from ai_pal.errors import Code, Failure
from ai_pal.protocol.client import (  # fmt: skip
    Accepted,
    AnyEvent,
    Cancelled,
    Delta,
    Done,
    Failed,
    Interrupted,
    Logprobs,
    Notice,
    Started,
)
from ai_pal.protocol.content import Alternative, TokenLogprob
from ai_pal.protocol.usage import Timings, Usage


def after(*events: AnyEvent) -> ShownAnswer:
    answer = ShownAnswer()
    for event in (Accepted(1), Started(1, 1, "local", "m"), *events):
        answer.add(event)
    return answer


DIED = Failure(Code.WORKER_DIED, "the worker died")
BUSY = Failure(Code.OVERLOADED, "full", retryable=True)


def test_text_is_the_deltas_in_a_row() -> None:
    assert after(Delta(1, 0, 1, "a "), Delta(1, 1, 2, "b"), Done(1)).text == "a b"


@pytest.mark.parametrize(
    ("end", "code", "reason"),
    [
        (Done(1, "length"), 0, "length"),
        (Cancelled(1), 130, "cancelled"),
        (Interrupted(1, DIED), 4, "interrupted"),
        (Failed(1, [DIED]), 1, "failed"),
        (Failed(1, [DIED, BUSY]), 5, "failed"),
        (Failed(1, []), 1, "failed"),
    ],
)
def test_the_end_decides_the_exit_code_and_the_finish_reason(end: AnyEvent, code: int, reason: str) -> None:
    answer = after(end)
    assert (answer.exit_code, answer.finish_reason) == (code, reason)


def test_every_failure_is_kept() -> None:
    assert after(Failed(1, [DIED, BUSY])).failures == [DIED, BUSY]
    assert after(Interrupted(1, DIED)).failures == [DIED]
    assert after(Done(1)).failures == []


def test_the_json_object_has_all_fields_whatever_the_end() -> None:
    answer = after(
        Notice(1, "trimmed", "cut"), Delta(1, 0, 1, "x"), Done(1, "stop", Usage(3, 0, 1), Timings())
    )
    found = msgspec.json.decode(msgspec.json.encode(answer.as_object()))
    assert set(found) == {
        "text", "thinking", "tool_calls", "logprobs",
        "model", "provider", "tier", "why", "score", "remote", "doubt", "cost",
        "finish_reason", "usage", "timings", "notices", "reasons",
    }  # fmt: skip
    guessed = {"guessed_tokens": 0, "right_tokens": 0}
    assert found["usage"] == {"prompt_tokens": 3, "cached_tokens": 0, "completion_tokens": 1} | guessed
    assert found["notices"] == [{"kind": "trimmed", "reason": "cut"}]
    assert after(Failed(1, [BUSY])).as_object().keys() == answer.as_object().keys()


def test_thoughts_and_tool_calls_have_fields_of_their_own() -> None:
    answer = after(
        Delta(1, 0, 1, "Hm. ", "reasoning"),
        Delta(1, 1, 1, "It is ", index=1),
        Delta(1, 2, 0, "", "tool_call", 2, "c1", "weather"),
        Delta(1, 2, 2, '{"city": "Paris"}', "tool_call", 2),
        Logprobs(1, 1, [TokenLogprob(b"It", -0.5, 7, [Alternative(b"\xc3", -1.0, 8)])]),
        Done(1, "tool_calls"),
    )
    found = msgspec.json.decode(msgspec.json.encode(answer.as_object()))
    assert (found["text"], found["thinking"], found["finish_reason"]) == ("It is ", "Hm. ", "tool_calls")
    assert found["tool_calls"] == [
        {"type": "tool_call", "id": "c1", "name": "weather", "arguments": '{"city": "Paris"}'}
    ]
    [token] = found["logprobs"]
    assert (token["token"], token["bytes"], token["top"][0]["bytes"]) == ("It", [73, 116], [0xC3])
    assert (answer.exit_code, answer.committed) == (0, True)


def test_what_only_thinks_is_not_committed() -> None:
    assert not after(Delta(1, 0, 1, "Hm.", "reasoning")).committed
