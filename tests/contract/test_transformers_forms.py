"""The transformers engine in a real worker, with the starter at temperature 1: forms hold."""

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions, JsonSchema
from ai_pal.protocol.worker import Counted, CountTokens, Generate, GenerationDone, LoadModel, Ready
from tests import schemas
from tests.worker_driver import Answer, WorkerDriver

pytestmark = pytest.mark.real_model
KEYS = count(1)
ASKED = [Message("system", ""), Message("user", "Make up an example.")]
HOW_MANY = max(8, schemas.COUNT // 6)
"""The starter takes its time: with AI_PAL_TEST_SCHEMAS=1200 it is 200 schemas."""


@pytest.fixture(scope="module")
def starter(starter_safetensors: Path) -> Iterator[WorkerDriver]:
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder)) as driver:
        ready = driver.load(LoadModel("m", "transformers", str(starter_safetensors), context=2048))
        assert isinstance(ready, Ready)
        assert {"chat", "schema", "logprobs", "complete"} <= set(ready.abilities)
        yield driver


@pytest.mark.timeout(1200)
def test_the_starter_is_held_to_any_schema(starter: WorkerDriver) -> None:
    asked = schemas.random_schemas(HOW_MANY, seed=7)
    for begin in range(0, len(asked), 8):
        keys = {}
        for number, schema in enumerate(asked[begin : begin + 8]):
            keys[key := next(KEYS)] = schema
            form = JsonSchema(schema)
            options = GenerationOptions(
                temperature=1.0, top_p=1.0, seed=number, max_tokens=900, response_format=form
            )
            starter.answers[key] = Answer()
            starter.send(Generate(key, ASKED, options))
        starter.finish(keys, timeout=600)
        for key, schema in keys.items():
            end = starter.answers[key].end
            assert isinstance(end, GenerationDone), end
            assert end.finish_reason == "stop"
            assert not schemas.problem(schema, starter.answers[key].text)


def test_a_count_is_what_a_request_reports(starter: WorkerDriver) -> None:
    messages = [Message("user", "How many, naïve 数?"), Message("assistant", "two"), Message("user", "No.")]
    counted = starter.do(CountTokens(next(KEYS), messages)).end
    answered = starter.do(Generate(next(KEYS), messages, GenerationOptions(max_tokens=1))).end
    assert isinstance(counted, Counted)
    assert isinstance(answered, GenerationDone)
    assert counted.tokens == answered.usage.prompt_tokens
