"""llama.cpp with a window for each slot: a request has all of it, whatever others do; with one for all, none
fails for others."""

import multiprocessing
import os
import tempfile
import threading
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from ai_pal.errors import Failure
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import Generate, GenerationDone, LoadFailed, LoadModel, Ready
from tests import tiny_gguf
from tests.worker_driver import TIMEOUT, WorkerDriver

pytestmark = pytest.mark.real_model

KEYS = count(1)
WINDOW, SLOTS = 512, 3
ENDLESS = GenerationOptions(temperature=0.0, extra={"ignore_eos": True})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.save(tmp_path_factory.mktemp("models") / "m.gguf", "sentencepiece")


def run(model: Path, **settings: Any) -> tuple[str, list[int]]:
    """What it says to one alone, and the tokens that each of some together came to."""
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), "llamacpp") as driver:
        ready = driver.load(LoadModel("m", "llamacpp", str(model), context=WINDOW, slots=SLOTS, **settings))
        assert isinstance(ready, Ready), ready
        assert (ready.slots, ready.context) == (SLOTS, WINDOW)
        alone = driver.do(Generate(next(KEYS), [Message("user", "the sea")], ENDLESS)).text
        keys = [next(KEYS) for _ in range(SLOTS)]
        for key in keys:
            driver.generate(key, "the sea is deep", ENDLESS)
        driver.finish(keys)
        ends = [driver.answers[key].end for key in keys]
        done = [end for end in ends if isinstance(end, GenerationDone) and end.finish_reason == "length"]
        assert len(done) == SLOTS, ends
        return alone, [end.usage.prompt_tokens + end.usage.completion_tokens for end in done]


def test_each_of_several_has_a_whole_window(model: Path) -> None:
    shared, _ = run(model)
    own, each = run(model, own_windows=True)
    assert own == shared
    assert each == [WINDOW] * SLOTS


class Late:
    """A sink that hears nothing of the second answer until the first has ended, while both are written."""

    def __init__(self, said: Connection) -> None:
        self._said = said
        self._second, self._over = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None

    def delta(self, key: int, *_: Any) -> None:
        if key == 1:
            self._second.wait(TIMEOUT)
        else:
            self._second.set()
            self._over.wait(TIMEOUT)

    def done(self, key: int, reason: str, *_: Any) -> None:
        self._end(reason)

    def failed(self, key: int, failure: Failure) -> None:
        self._end(failure.message)

    def _end(self, how: str) -> None:
        self._over.set()
        self._said.send(how)


def heard_late(model: Path, said: Connection) -> None:
    from workers.engines.llamacpp.engine import LlamaCpp

    os.chdir(model.parent)
    llama, sink = LlamaCpp(), Late(said)
    llama.load(LoadModel("m", "llamacpp", str(model), context=WINDOW, slots=2), sink)
    for key in (1, 2):
        llama.start(Generate(key, [Message("user", "the sea is deep")], ENDLESS), [])


def test_answers_that_are_written_faster_than_heard_end_where_the_window_is_full(model: Path) -> None:
    context = multiprocessing.get_context("spawn")
    heard, said = context.Pipe(duplex=False)
    process = context.Process(target=heard_late, args=(model, said))
    process.start()
    try:
        for _ in range(2):
            assert heard.poll(TIMEOUT)
            assert heard.recv() == "length"
    finally:
        process.kill()
        process.join()


@pytest.mark.parametrize("options", [{"windows": "each"}, {"windows": "own", "speculate": "DRAFT"}])
def test_what_there_is_not_is_refused(options: dict[str, Any], model: Path) -> None:
    options = {name: value.replace("DRAFT", str(model)) for name, value in options.items()}
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), "llamacpp") as driver:
        loaded = driver.load(LoadModel("m", "llamacpp", str(model), context=WINDOW, options=options))
    assert isinstance(loaded, LoadFailed)
    assert "windows" in loaded.failure.message + loaded.failure.hint
