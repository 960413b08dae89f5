"""A count without weights is what the loaded model counts and what a request reports, in real workers: for
templates and vocabularies of every kind, and with the same refusals."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil
import pytest

from ai_pal.errors import Code
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import (
    Counted,
    CountTokens,
    Generate,
    GenerationDone,
    GenerationFailed,
    LoadFailed,
    LoadModel,
    Ready,
)
from scripts.bert_to_gguf import convert
from tests import chat_templates, tiny_gguf, tiny_models
from tests.counted_prompts import CASES, QUESTION, SHORT, TOO_LARGE
from tests.worker_driver import WorkerDriver

pytestmark = [pytest.mark.real_model, pytest.mark.timeout(900)]

KEYS = count(1)
OWN = Path(__file__).parent / "templates"
TEMPLATES = {
    **{path.stem: path.read_text() for path in OWN.glob("*.jinja")},
    "hermes": chat_templates.HERMES,
    "llama": chat_templates.LLAMA,
    "mistral": chat_templates.MISTRAL,
    "always": chat_templates.THINKS_ALWAYS,
    "asked": chat_templates.THINKS_IF_ASKED,
}
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


class Both(NamedTuple):
    """The whole model, and its vocabulary, each in its worker."""

    model: WorkerDriver
    vocabulary: WorkerDriver


@contextmanager
def started(spec: LoadModel) -> Iterator[tuple[Both, list[Ready | LoadFailed]]]:
    forked = spec.engine if spec.engine == "llamacpp" else ""  # what counts needs no torch: that is looked at
    with (
        tempfile.TemporaryDirectory() as one,
        tempfile.TemporaryDirectory() as other,
        WorkerDriver(Path(one), spec.engine) as model,
        WorkerDriver(Path(other), forked) as vocabulary,
    ):
        yield (
            Both(model, vocabulary),
            [model.load(spec), vocabulary.load(msgspec.structs.replace(spec, vocabulary=True))],
        )


@contextmanager
def loaded(spec: LoadModel) -> Iterator[Both]:
    with started(spec) as (both, ready):
        assert all(isinstance(one, Ready) for one in ready), ready
        yield both


def counted(
    driver: WorkerDriver, messages: list[Message], options: GenerationOptions
) -> int | tuple[str, str]:
    """The tokens, or why they were not counted."""
    end = driver.do(CountTokens(next(KEYS), messages, options)).end
    if isinstance(end, GenerationFailed):
        return end.failure.code, end.failure.message
    assert isinstance(end, Counted)
    return end.tokens


def check(both: Both) -> int:
    """Every case; how many of them were counted."""
    tokens = 0
    for name, (messages, options) in CASES.items():
        verdicts = [counted(driver, messages, options) for driver in both]
        assert verdicts[0] == verdicts[1], name
        end = both.model.do(Generate(next(KEYS), messages, options)).end
        if isinstance(end, GenerationDone):
            assert end.usage.prompt_tokens == verdicts[1], name
            tokens += 1
    large = [counted(driver, TOO_LARGE, SHORT) for driver in both]
    assert large[0] == large[1]
    assert isinstance(large[1], int)
    assert large[1] > 1024
    return tokens


@pytest.mark.parametrize("template", TEMPLATES)
def test_llamacpp_counts_with_every_template(template: str, tmp_path: Path) -> None:
    file = tiny_gguf.save(tmp_path / "tiny.gguf", "bytes")
    (tmp_path / "template").write_text(TEMPLATES[template])
    options = {"chat_template": str(tmp_path / "template")}
    with loaded(LoadModel("m", "llamacpp", str(file), context=1024, options=options)) as both:
        assert check(both) >= 10


def test_llamacpp_counts_of_the_starter_are_those_of_its_requests(short_starter: Path) -> None:
    with loaded(LoadModel("m", "llamacpp", str(short_starter), context=1024)) as both:
        assert check(both) >= 10


def test_llamacpp_counts_without_weights(starter_model: Path) -> None:
    with loaded(LoadModel("m", "llamacpp", str(starter_model), context=1024)) as both:
        taken = [psutil.Process(driver.process.pid).memory_info().rss for driver in both]
        assert taken[1] < taken[0] / 2


@pytest.mark.parametrize("template", ["", CHATML])
@pytest.mark.parametrize("vocabulary", tiny_gguf.VOCABULARIES)
def test_llamacpp_counts_with_every_kind_of_vocabulary(
    vocabulary: str, template: str, tmp_path: Path
) -> None:
    file = tiny_gguf.save(tmp_path / "tiny.gguf", vocabulary, template=template)
    with loaded(LoadModel("m", "llamacpp", str(file), context=1024)) as both:
        assert check(both) >= 8


@pytest.mark.parametrize("engine", ["llamacpp", "transformers"])
def test_a_model_of_vectors_counts_no_prompts_however_it_is_loaded(
    engine: str, sentence_model: Path, tmp_path: Path
) -> None:
    file = sentence_model
    if engine == "llamacpp":
        convert(sentence_model, file := tmp_path / "minilm.gguf")
    with loaded(LoadModel("m", engine, str(file))) as both:
        verdicts = [counted(driver, QUESTION, SHORT) for driver in both]
    assert verdicts[0] == verdicts[1]
    assert isinstance(verdicts[0], tuple)
    assert verdicts[0][0] == Code.UNSUPPORTED


def test_transformers_counts_all_of_it_with_a_small_model(tmp_path: Path) -> None:
    model = tiny_models.save(tmp_path / "m", "llama", chat_templates.HERMES, max_position_embeddings=2048)
    with loaded(LoadModel("m", "transformers", str(model), context=1024)) as both:
        assert check(both) >= 10


def test_transformers_counts_without_torch(few_safetensors: Path) -> None:
    with loaded(LoadModel("m", "transformers", str(few_safetensors), context=1024)) as both:
        assert check(both) >= 10
        libraries = [
            [
                mapped.path
                for mapped in psutil.Process(driver.process.pid).memory_maps()
                if "torch" in mapped.path
            ]
            for driver in both
        ]
        assert libraries[0]
        assert not libraries[1]
