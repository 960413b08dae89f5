"""Speculation on llama.cpp: guesses change no text, four at a time or alone, and what cannot guess is refused
before the load."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions, Grammar
from ai_pal.protocol.usage import Usage
from ai_pal.protocol.worker import (
    CompleteText,
    Generate,
    GenerationDone,
    GenerationFailed,
    LoadFailed,
    LoadModel,
    Ready,
)
from tests import tiny_gguf
from tests.worker_driver import Answer, WorkerDriver

pytestmark = pytest.mark.real_model

KEYS = count(1)
GREEDY = GenerationOptions(temperature=0.0, max_tokens=80, extra={"ignore_eos": True})
SEA = "the sea is deep and blue what weather in paris "


@contextmanager
def worker(model: Path, **options: Any) -> Iterator[WorkerDriver]:
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), "llamacpp") as driver:
        ready = driver.load(LoadModel("m", "llamacpp", str(model), context=1024, options=options))
        assert isinstance(ready, Ready), ready
        assert ("logprobs" in ready.abilities) == (options.get("speculate", "off") == "off")
        yield driver


def refused(model: Path, **options: Any) -> str:
    """Why it is not loaded."""
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), "llamacpp") as driver:
        loaded = driver.load(LoadModel("m", "llamacpp", str(model), context=256, options=options))
        assert isinstance(loaded, LoadFailed)
        return f"{loaded.failure.code}: {loaded.failure.message} -> {loaded.failure.hint}"


def ask(driver: WorkerDriver, said: str, options: GenerationOptions = GREEDY) -> Answer:
    return driver.do(Generate(next(KEYS), [Message("user", said)], options))


TIE = 0.002
"""Between two tokens whose logarithms of probability are so near, rounding decides: it differs between any
two ways to cut a text into batches, also of four answers together."""


def sure(answer: Answer) -> int:
    """How many characters were written before the model was in two minds."""
    data = b""
    for place in sorted(answer.logprobs):
        token = answer.logprobs[place]
        likely = sorted((one.logprob for one in token.top), reverse=True)
        if len(likely) > 1 and likely[0] - likely[1] < TIE:
            break
        data += token.data
    return len(data.decode(errors="ignore"))


def done(answer: Answer) -> tuple[str, Usage]:
    assert isinstance(answer.end, GenerationDone), answer.end
    return answer.text, answer.end.usage


def answers(driver: WorkerDriver, probabilities: int | None = None) -> list[Answer]:
    """Alone, four together, held to a grammar, at a temperature, and until the window is full."""
    greedy = msgspec.structs.replace(GREEDY, logprobs=probabilities)
    held = GenerationOptions(
        temperature=0.0, max_tokens=60, response_format=Grammar('root ::= ("deep blue ")+')
    )
    seeded = msgspec.structs.replace(greedy, temperature=0.2, seed=7, max_tokens=40)
    full = msgspec.structs.replace(greedy, max_tokens=None)
    keys = [next(KEYS) for _ in range(4)]
    found = [ask(driver, SEA, greedy)]
    for number, key in enumerate(keys):
        driver.generate(key, SEA * (number + 1), greedy)
    driver.finish(keys)
    found += [driver.answers[key] for key in keys]
    return found + [ask(driver, SEA, options) for options in (held, seeded, full)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.save(tmp_path_factory.mktemp("models") / "m.gguf", "sentencepiece")


@pytest.fixture(scope="module")
def plain(tiny: Path) -> list[Answer]:
    with worker(tiny) as driver:
        found = answers(driver, probabilities=2)
    assert not any(done(one)[1].guessed_tokens for one in found)
    return found


@pytest.mark.parametrize("kind", ["ngram", "draft"])
def test_no_guess_changes_a_text(kind: str, tiny: Path, plain: list[Answer]) -> None:
    with worker(tiny, speculate=str(tiny) if kind == "draft" else kind) as driver:
        found = [done(one) for one in answers(driver)]
    lengths = [sure(one) if one.logprobs else len(one.text) for one in plain]
    assert sum(lengths) > 200
    for (text, usage), before, length in zip(found, plain, lengths, strict=True):
        said, spent = done(before)
        assert text[:length] == said[:length]
        assert usage.completion_tokens == spent.completion_tokens
        assert usage.right_tokens <= usage.guessed_tokens
    assert all(usage.right_tokens >= 20 for _, usage in found[:5])


def test_the_starter_repeats_faster_what_it_was_told_and_says_the_same(starter_model: Path) -> None:
    said = "def add(a, b):\n    return a + b\n\n\nprint(add(1, 2))\n" * 3
    how = GenerationOptions(temperature=0.0, max_tokens=40)
    texts = []
    for kind in ("off", "ngram"):
        with worker(starter_model, speculate=kind) as driver:
            text, usage = done(driver.do(CompleteText(next(KEYS), said, None, how)))
            texts.append(text)
    assert texts[0] == texts[1]
    assert usage.right_tokens > 0


def test_layers_that_look_ahead_guess_and_change_no_text(tmp_path: Path) -> None:
    model = tiny_gguf.save_looking_ahead(tmp_path / "ahead.gguf")
    found = []
    for kind in ("off", "mtp"):
        with worker(model, speculate=kind) as driver:
            found.append(done(ask(driver, SEA, msgspec.structs.replace(GREEDY, max_tokens=24))))
    (text, usage), (same, guessed) = found
    assert text == same
    assert usage.guessed_tokens == 0 < guessed.guessed_tokens


def test_probabilities_are_refused_where_tokens_are_guessed(tiny: Path) -> None:
    with worker(tiny, speculate="ngram") as driver:
        end = ask(driver, SEA, GenerationOptions(logprobs=2, max_tokens=4)).end
    assert isinstance(end, GenerationFailed)
    assert end.failure.code == "unsupported"


def test_what_cannot_guess_is_refused_before_the_load(tiny: Path, tmp_path: Path) -> None:
    other = tiny_gguf.save(tmp_path / "other.gguf", "bytes")
    assert "another vocabulary" in refused(tiny, speculate=str(other))
    assert "no draft model" in refused(tiny, speculate=str(tmp_path / "none.gguf"))
    assert "no layers for multi-token prediction" in refused(tiny, speculate="mtp")
    state = tiny_gguf.save_mamba(tmp_path / "state.gguf")
    assert "config_invalid" in (said := refused(state, speculate="ngram"))
    assert "state" in said
    assert "guesses need 36" in refused(tiny, speculate="ngram", chunk=16)
