"""What becomes of a request that llama.cpp threw out since others had taken its cells."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from ai_pal.errors import Failure
from ai_pal.protocol.worker import CompleteText
from workers.engines.llamacpp import LlamaCpp
from workers.engines.llamacpp_failures import NO_CELLS
from workers.kv_budget import KvBudget

WINDOW = 512
OTHER, MINE = 1, 2
THROWN_OUT = {"error": {"code": 500, "message": NO_CELLS, "type": "server_error"}}
WORD = {
    "choices": [{"text": "sea", "finish_reason": None}],
    "timings": {"predicted_n": 1},
}
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

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None

    def delta(self, key: int, text: str, *_: Any) -> None:
        self.text += text

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

    def handle_completions(self, body: dict[str, Any], heard: Callable[[dict[str, Any]], bool]) -> None:
        chunks = self.left.pop(0)
        self.asked.release()
        for chunk in chunks:
            if heard(chunk):
                return


@pytest.fixture
def loaded() -> LlamaCpp:
    llama = LlamaCpp()
    llama._context, llama._kv_budget = WINDOW, KvBudget(WINDOW)
    llama._prompts = SimpleNamespace(as_tokens=False)  # type: ignore[assignment]
    return llama


def begin(llama: LlamaCpp, script: Script) -> Sink:
    llama._sink = sink = Sink()
    llama._server = SimpleNamespace(engine=script)  # type: ignore[assignment]
    llama._pool = ThreadPoolExecutor(1)
    llama.start(CompleteText(MINE, "the"), [])
    return sink


def end_of(sink: Sink) -> str:
    assert sink.ended.wait(60)
    return str(sink.end)


def test_an_answer_that_has_begun_is_at_its_end(loaded: LlamaCpp) -> None:
    sink = begin(loaded, Script([WORD, THROWN_OUT]))
    assert (end_of(sink), sink.text) == ("length", "sea")


def test_one_that_has_not_waits_for_the_others_and_is_asked_for_again(loaded: LlamaCpp) -> None:
    loaded._kv_budget = budget = KvBudget(WINDOW)
    budget.admit(OTHER, 100)
    script = Script([THROWN_OUT], [WORD, LAST])
    sink = begin(loaded, script)
    with loaded._lock:
        assert loaded._lock.wait_for(lambda: MINE in budget._line, timeout=60)
        assert len(script.left) == 1
        budget.leave(OTHER)
        loaded._lock.notify_all()
    assert (end_of(sink), sink.text) == ("stop", "sea")


def test_one_that_waits_can_be_cancelled(loaded: LlamaCpp) -> None:
    loaded._kv_budget.admit(OTHER, 100)
    script = Script([THROWN_OUT])
    sink = begin(loaded, script)
    assert script.asked.acquire(timeout=60)
    loaded.cancel(MINE)
    assert end_of(sink) == "cancelled"
    loaded._kv_budget.leave(OTHER)
    assert loaded._kv_budget.admit(OTHER, WINDOW)


def test_alone_it_fails_at_the_second_time(loaded: LlamaCpp) -> None:
    assert end_of(begin(loaded, Script([THROWN_OUT], [THROWN_OUT]))) == NO_CELLS
