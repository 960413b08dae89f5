"""A model with a state instead of keys and values, in llama.cpp: what is kept changes no answer."""

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import Generate, GenerationDone, LoadModel, Ready
from tests import tiny_gguf
from tests.worker_driver import WorkerDriver

pytestmark = pytest.mark.real_model

KEYS = count(1)
QUESTION = "what is the weather in paris and is the sea deep and blue"


def asked(kept: bool, tokens: int = 12) -> GenerationOptions:
    extra = {"ignore_eos": True, "cache_prompt": kept}
    return GenerationOptions(temperature=0.0, max_tokens=tokens, extra=extra)


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerDriver]:
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), "llamacpp") as driver:
        file = tiny_gguf.save_mamba(Path(folder) / "m.gguf")
        assert isinstance(driver.load(LoadModel("m", "llamacpp", str(file))), Ready)
        yield driver


def text(driver: WorkerDriver, messages: list[Message], kept: bool = True) -> str:
    answer = driver.do(Generate(next(KEYS), messages, asked(kept)))
    assert isinstance(answer.end, GenerationDone), answer.end
    return answer.text


def test_turn_after_turn_and_behind_a_cancelled_one_answers_are_those_of_a_fresh_start(
    worker: WorkerDriver,
) -> None:
    messages = [Message("user", QUESTION)]
    key = next(KEYS)
    worker.generate(key, messages, asked(True, 400))
    worker.cancel(key)
    worker.finish([key])
    first = text(worker, messages)
    assert first == text(worker, messages, kept=False)
    messages += [Message("assistant", first), Message("user", "be brief")]
    second = text(worker, messages)
    assert second == text(worker, messages, kept=False)
    messages[-1] = Message("user", "the sea")
    third = text(worker, messages)
    assert third == text(worker, messages, kept=False)
    assert len({first, second, third}) == 3


def test_four_together_say_what_each_says_alone(worker: WorkerDriver) -> None:
    conversations = {next(KEYS): [Message("user", f"{QUESTION} " * at)] for at in range(1, 5)}
    for key, messages in conversations.items():
        worker.generate(key, messages, asked(True))
    worker.finish(conversations)
    for key, messages in conversations.items():
        assert worker.answers[key].text == text(worker, messages, kept=False)
