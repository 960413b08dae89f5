"""Templates that do not take every conversation: both engines give them what they take, and say the rest in
the template's own words."""

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import Generate, GenerationDone, GenerationFailed, LoadModel, Ready
from tests import tiny_gguf, tiny_models
from tests.worker_driver import WorkerDriver

pytestmark = pytest.mark.real_model

TEMPLATE = (
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}"
    "{% if m.role == 'assistant' %}{{ raise_exception('only questions, please') }}{% endif %}"
    "{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:"
)
KEYS = count(1)
FEW = GenerationOptions(max_tokens=2, temperature=0.0, extra={"ignore_eos": True})


@pytest.fixture(scope="module", params=["llamacpp", "transformers"])
def worker(request: pytest.FixtureRequest) -> Iterator[WorkerDriver]:
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), request.param) as driver:
        if request.param == "llamacpp":
            model = tiny_gguf.save(Path(folder) / "m.gguf", "bytes", template=TEMPLATE)
        else:
            model = tiny_models.save(Path(folder) / "m", "llama", TEMPLATE)
        assert isinstance(driver.load(LoadModel("m", request.param, str(model))), Ready)
        yield driver


def end(driver: WorkerDriver, *messages: Message) -> object:
    return driver.do(Generate(next(KEYS), list(messages), FEW)).end


def test_two_questions_are_asked_as_one(worker: WorkerDriver) -> None:
    two = end(worker, Message("user", "the sea"), Message("user", "is deep"))
    one = end(worker, Message("user", "the sea\n\nis deep"))
    assert isinstance(two, GenerationDone), two
    assert isinstance(one, GenerationDone), one
    assert two.usage.prompt_tokens == one.usage.prompt_tokens


def test_what_the_template_does_not_take_is_refused_in_its_own_words(worker: WorkerDriver) -> None:
    said = [Message("user", "the sea"), Message("assistant", "is deep"), Message("user", "the sea")]
    failed = end(worker, *said)
    assert isinstance(failed, GenerationFailed), failed
    failure = failed.failure
    assert (failure.code, failure.retryable) == ("bad_request", False)
    assert failure.message == "the model's chat template refuses this conversation: only questions, please"
    assert failure.hint
