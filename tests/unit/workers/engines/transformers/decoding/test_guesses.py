"""Guessed tokens on small random models: fewer steps, and every answer as without."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ai_pal.errors import AiPalError
from ai_pal.protocol.content import Message
from ai_pal.protocol.doubt import Probe
from ai_pal.protocol.options import GenerationOptions, JsonSchema
from ai_pal.protocol.worker import Generate
from tests import tiny_models
from tests.unit.workers.engines.transformers.recorder import Answer, Loaded

LONG: dict[str, Any] = {"max_tokens": 150, "extra": {"ignore_eos": True}}
GREEDY = GenerationOptions(temperature=0.0, **LONG)
REPEATS = GenerationOptions(temperature=0.0, logit_bias={100: 1000.0}, **LONG)
"""The same token over and over, whatever the model."""
SCHEMA = JsonSchema({"type": "array", "items": {"enum": ["ship", "sea"]}, "minItems": 12, "maxItems": 12})
WAYS = {
    "greedy": GREEDY,
    "repeats": REPEATS,
    "seeded": GenerationOptions(temperature=0.3, seed=3, **LONG),
    "penalties": GenerationOptions(temperature=0.0, repeat_penalty=1.05, frequency_penalty=0.01, **LONG),
    "probabilities": GenerationOptions(temperature=0.0, logprobs=2, **LONG),
    "held": GenerationOptions(temperature=0.0, response_format=SCHEMA, max_tokens=150),
    "stopped": GenerationOptions(temperature=0.0, stop=["zzzz"], **LONG),
}
QUESTION = "Where do the ships sail, and why do the ships sail, and why do the ships sail? 🌊"


@contextmanager
def loaded(folder: Path, **options: Any) -> Iterator[Loaded]:
    engine = Loaded(folder, 512, dtype="float32", **options)
    try:
        yield engine
    finally:
        engine.engine.close()


def told(answer: Answer) -> tuple[Any, ...]:
    assert answer.failure is None
    chosen = [one.id for one in answer.logprobs]
    return answer.text, answer.finish_reason, answer.usage.completion_tokens, chosen


def probable(answer: Answer) -> list[float]:
    return [one.logprob for one in answer.logprobs]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.save(tmp_path_factory.mktemp("models"), "phi3", sliding_window=16)


@pytest.fixture(scope="module")
def plain(folder: Path) -> Iterator[Loaded]:
    with loaded(folder, speculate="off") as engine:
        yield engine


@pytest.fixture(scope="module")
def guessing(folder: Path) -> Iterator[Loaded]:
    with loaded(folder) as engine:
        yield engine


@pytest.mark.parametrize("way", WAYS)
def test_no_guess_changes_an_answer(way: str, plain: Loaded, guessing: Loaded) -> None:
    without, answer = plain.ask(QUESTION, WAYS[way]), guessing.ask(QUESTION, WAYS[way])
    assert told(answer) == told(without)
    assert probable(answer) == pytest.approx(probable(without), abs=1e-3)
    assert without.usage.guessed_tokens == 0
    assert answer.usage.right_tokens <= answer.usage.guessed_tokens


def test_right_guesses_save_steps(plain: Loaded, guessing: Loaded) -> None:
    steps = []
    for engine in (plain, guessing):
        before = engine.sink.steps
        answer = engine.ask(QUESTION, REPEATS)
        steps.append(engine.sink.steps - before)
    assert answer.usage.right_tokens > 50
    assert steps[1] <= steps[0] - answer.usage.right_tokens


def test_rows_together_guess_each_by_itself(plain: Loaded, guessing: Loaded) -> None:
    ways = (REPEATS, GREEDY)
    alone = [told(plain.ask(QUESTION, way)) for way in ways]
    keys = [guessing.begin(QUESTION, way) for way in ways]
    answers = [guessing.sink.wait_for_end(key) for key in keys]
    assert [told(answer) for answer in answers] == alone
    assert answers[0].usage.right_tokens > 50


def test_what_is_kept_of_a_guessed_answer_is_what_was_said(plain: Loaded, guessing: Loaded) -> None:
    texts = []
    for engine in (plain, guessing):
        first = engine.ask(QUESTION, GREEDY)
        second = engine.ask(QUESTION + first.text[:80], GREEDY)
        texts.append((first.text, second.text))
    assert texts[0] == texts[1]


def test_at_the_end_of_the_window_an_answer_ends_as_without(plain: Loaded, guessing: Loaded) -> None:
    full = GenerationOptions(temperature=0.0, extra={"ignore_eos": True})
    ends = [told(engine.ask(QUESTION * 4, full)) for engine in (plain, guessing)]
    assert ends[0][1:3] == ends[1][1:3]


def test_a_model_that_cannot_go_back_is_not_guessed_for(tmp_path: Path) -> None:
    mamba = tiny_models.save(tmp_path, "mamba")
    with loaded(mamba) as engine:
        assert engine.ask(QUESTION, GREEDY).usage.guessed_tokens == 0
    with pytest.raises(AiPalError, match="cannot go back") as refused:
        Loaded(mamba, 512, dtype="float32", speculate="ngram")
    assert refused.value.code == "config_invalid"


def test_guesses_change_no_number_of_a_watched_answer(plain: Loaded, guessing: Loaded) -> None:
    messages = [Message("user", "Nobody has asked before. " + QUESTION)]  # what was read is not probed
    one, other = (
        engine.do(lambda key: Generate(key, messages, REPEATS, watch=True, probe=Probe(":")))
        for engine in (plain, guessing)
    )
    assert other.usage.right_tokens > 0
    assert len(one.watched) == len(other.watched) == one.usage.completion_tokens
    for mine, same in zip(one.watched, other.watched, strict=True):
        assert mine == pytest.approx(same, abs=1e-3)
    assert one.probed == pytest.approx(other.probed, abs=1e-3)
    assert len(one.probed) == 1
