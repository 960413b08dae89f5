"""The transformers engine in a real worker, with the starter's words at temperature 1: forms hold."""

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions, JsonSchema
from ai_pal.protocol.worker import Counted, CountTokens, Generate, GenerationDone, LoadModel, Ready
from tests import schemas
from tests.worker_driver import Answer, WorkerDriver

pytestmark = [pytest.mark.real_model, pytest.mark.timeout(900 + 60 * schemas.COUNT)]
KEYS = count(1)
ASKED = [Message("system", ""), Message("user", "Make up an example.")]
AT_ONCE = 8
THINKING = Path(__file__).parent / "templates" / "opens_thought.jinja"


@pytest.fixture(scope="module")
def starter(short_safetensors: Path) -> Iterator[WorkerDriver]:
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), "transformers") as driver:
        ready = driver.load(LoadModel("m", "transformers", str(short_safetensors), context=2048))
        assert isinstance(ready, Ready)
        assert {"chat", "schema", "logprobs", "complete"} <= set(ready.abilities)
        yield driver


@pytest.fixture(scope="module")
def thinker(short_safetensors: Path) -> Iterator[WorkerDriver]:
    """The starter with a template that opens a thought."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder, "model")
        model.mkdir()
        for file in short_safetensors.iterdir():
            (model / file.name).symlink_to(file)
        (model / "chat_template.jinja").unlink(missing_ok=True)
        (model / "chat_template.jinja").write_text(THINKING.read_text())
        with WorkerDriver(Path(folder), "transformers") as driver:
            ready = driver.load(LoadModel("m", "transformers", str(model), context=2048))
            assert isinstance(ready, Ready)
            assert "thinking" in ready.abilities
            yield driver


def held_to(driver: WorkerDriver, asked: list[schemas.Schema], **more: Any) -> list[Answer]:
    """The answers at temperature 1, several at once; all of them are judged, before any fault is told."""
    answers: list[Answer] = []
    faults: list[tuple[str, schemas.Schema, str]] = []
    for begin in range(0, len(asked), AT_ONCE):
        some = asked[begin : begin + AT_ONCE]
        keys = [next(KEYS) for _ in some]
        for number, (key, schema) in enumerate(zip(keys, some, strict=True)):
            options = GenerationOptions(
                temperature=1.0,
                top_p=1.0,
                seed=number,
                max_tokens=900,
                response_format=JsonSchema(schema),
                **more,
            )
            driver.answers[key] = Answer()
            driver.send(Generate(key, ASKED, options))
        driver.finish(keys, timeout=600)
        answers += (new := [driver.answers[key] for key in keys])
        told = [
            (fault_of(answer, schema), schema, answer.text) for schema, answer in zip(some, new, strict=True)
        ]
        faults += [one for one in told if one[0]]
        print(f"{len(answers) - len(faults)} of {len(answers)} valid", flush=True)
    assert not faults
    return answers


def fault_of(answer: Answer, schema: schemas.Schema) -> str:
    """Why the answer is none to this schema, "" where it is."""
    if not isinstance(answer.end, GenerationDone) or answer.end.finish_reason != "stop":
        return repr(answer.end)
    return schemas.problem(schema, answer.text)


def test_the_starter_is_held_to_any_schema(starter: WorkerDriver) -> None:
    """It takes its time: all of AI_PAL_TEST_SCHEMAS where that is set."""
    held_to(starter, schemas.random_schemas(schemas.how_many(3), seed=7))


def test_after_a_thought_too(thinker: WorkerDriver) -> None:
    asked = schemas.random_schemas(schemas.how_many(3), seed=8)
    for answer in held_to(thinker, asked, thinking_budget=8):
        assert answer.of_kind("reasoning")


def test_a_count_is_what_a_request_reports(starter: WorkerDriver) -> None:
    messages = [Message("user", "How many, naïve 数?"), Message("assistant", "two"), Message("user", "No.")]
    counted = starter.do(CountTokens(next(KEYS), messages)).end
    answered = starter.do(Generate(next(KEYS), messages, GenerationOptions(max_tokens=1))).end
    assert isinstance(counted, Counted)
    assert isinstance(answered, GenerationDone)
    assert counted.tokens == answered.usage.prompt_tokens
