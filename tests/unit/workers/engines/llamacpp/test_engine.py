"""What becomes of a request that llama.cpp threw out since others had taken its cells."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from ai_pal.errors import Failure
from ai_pal.protocol.content import TokenLogprob
from ai_pal.protocol.worker import CompleteText
from workers.engines.llamacpp.engine import LlamaCpp
from workers.engines.llamacpp.failures import NO_CELLS
from workers.engines.llamacpp.room import Room
from workers.engines.llamacpp.writing import Writing
from workers.kv_budget import KvBudget

WINDOW = 512
OTHER, MINE = 1, 2
THROWN_OUT = {"error": {"code": 500, "message": NO_CELLS, "type": "server_error"}}
WORD = {
    "choices": [{"text": "sea", "finish_reason": None}],
    "timings": {"predicted_n": 1},
}
ASKED = CompleteText(MINE, "the")
SCORED = CompleteText(MINE, [7, 8, 9], prompt_logprobs=True)
"""How probable each of these tokens is, and what follows them."""
LAST = {
    "choices": [{"text": "", "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1},
}


class Sink:
    """Notes how an answer ended, and hears nothing else."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.text = ""
        self.end: Any = None
        self.scores: list[tuple[int, float]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None

    def delta(self, key: int, text: str, *_: Any) -> None:
        self.text += text

    def prompt_logprobs(self, key: int, tokens: list[TokenLogprob]) -> None:
        self.scores += [(one.id, one.logprob) for one in tokens]

    def done(self, key: int, reason: str, *_: Any) -> None:
        self._end(reason)

    def cancelled(self, key: int, *_: Any) -> None:
        self._end("cancelled")

    def failed(self, key: int, failure: Failure) -> None:
        self._end(failure.message)

    def _end(self, end: Any) -> None:
        self.end = end
        self.ended.set()


class Script:
    """An engine that says this, one list of chunks for each time it is asked."""

    def __init__(self, *times: list[dict[str, Any]]) -> None:
        self.left = list(times)
        self.asked = threading.Semaphore(0)

    def complete(self, body: dict[str, Any], heard: Callable[[dict[str, Any]], bool]) -> None:
        chunks = self.left.pop(0)
        self.asked.release()
        for chunk in chunks:
            if heard(chunk):
                return


@pytest.fixture
def loaded() -> LlamaCpp:
    llama = LlamaCpp()
    llama._context, llama._room = WINDOW, Room(llama._lock, KvBudget(WINDOW), WINDOW)
    return llama


def begin(llama: LlamaCpp, script: Script, job: CompleteText = ASKED) -> Sink:
    llama._sink = sink = Sink()
    asker = SimpleNamespace(ask=lambda path, body: {"content": "a"})
    server: Any = SimpleNamespace(complete=script.complete, asker=asker)
    prompts: Any = SimpleNamespace(as_tokens=False)
    llama._writing = Writing(server, sink, prompts, llama._room, context=WINDOW, trained=WINDOW)
    llama._pool = ThreadPoolExecutor(1)
    llama.start(job, [])
    return sink


def waits_alone(llama: LlamaCpp, script: Script, left: int) -> None:
    """It has been thrown out, and nothing is asked for until the other has left."""
    budget = llama._room.budget
    assert isinstance(budget, KvBudget)
    with llama._lock:
        assert llama._lock.wait_for(lambda: MINE in budget._line, timeout=60)
        assert len(script.left) == left
        llama._room.leave(OTHER)


def end_of(sink: Sink) -> str:
    assert sink.ended.wait(60)
    return str(sink.end)


def test_an_answer_that_has_begun_is_at_its_end(loaded: LlamaCpp) -> None:
    sink = begin(loaded, Script([WORD, THROWN_OUT]))
    assert (end_of(sink), sink.text) == ("length", "sea")


def test_one_that_has_not_waits_for_the_others_and_is_asked_for_again(loaded: LlamaCpp) -> None:
    budget = loaded._room.budget
    budget.admit(OTHER, 100)
    script = Script([THROWN_OUT], [WORD, LAST])
    sink = begin(loaded, script)
    waits_alone(loaded, script, left=1)
    assert (end_of(sink), sink.text) == ("stop", "sea")


def test_one_that_waits_can_be_cancelled(loaded: LlamaCpp) -> None:
    loaded._room.budget.admit(OTHER, 100)
    script = Script([THROWN_OUT])
    sink = begin(loaded, script)
    assert script.asked.acquire(timeout=60)
    loaded.cancel(MINE)
    assert end_of(sink) == "cancelled"
    loaded._room.leave(OTHER)
    assert loaded._room.budget.admit(OTHER, WINDOW)


def test_alone_it_fails_at_the_second_time(loaded: LlamaCpp) -> None:
    assert end_of(begin(loaded, Script([THROWN_OUT], [THROWN_OUT]))) == NO_CELLS


def written(token: int, logprob: float) -> dict[str, Any]:
    """A chunk with a token of the prompt, as a grammar has demanded it."""
    told = {"id": token, "bytes": [97], "logprob": logprob}
    return {"choices": [{"text": "a", "finish_reason": None, "logprobs": {"content": [told]}}]}


def test_a_prompt_that_was_thrown_out_while_it_was_scored_is_scored_anew(loaded: LlamaCpp) -> None:
    loaded._room.budget.admit(OTHER, 100)
    whole = [written(8, -1.0), written(9, -2.0)]
    script = Script([written(8, -0.5), THROWN_OUT], whole, [WORD, LAST])
    sink = begin(loaded, script, SCORED)
    waits_alone(loaded, script, left=2)
    assert (end_of(sink), sink.text) == ("stop", "sea")
    assert sink.scores == [(7, float("-inf")), (8, -1.0), (9, -2.0)]


def test_one_that_waits_to_be_scored_anew_can_be_cancelled(loaded: LlamaCpp) -> None:
    loaded._room.budget.admit(OTHER, 100)
    script = Script([THROWN_OUT])
    sink = begin(loaded, script, SCORED)
    assert script.asked.acquire(timeout=60)
    loaded.cancel(MINE)
    assert (end_of(sink), sink.scores) == ("cancelled", [])


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ([[THROWN_OUT], [THROWN_OUT]], NO_CELLS),
        ([[{"error": {"code": 500, "message": "broken", "type": "server_error"}}]], "broken"),
    ],
)
def test_it_is_scored_anew_once_and_for_that_only(
    loaded: LlamaCpp, times: list[list[dict[str, Any]]], said: str
) -> None:
    script = Script(*times)
    sink = begin(loaded, script, SCORED)
    assert (end_of(sink), sink.scores, script.left) == (said, [], [])
