"""Where a model can say what ends its answers, and that either engine hears it: one mark per place, and each
of those that are known by their names."""

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import gguf
import pytest

from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import CompleteText, GenerationDone, LoadModel, Ready
from tests.scripted_models import ANSWERS, PROMPTS, Script, save_folder, save_gguf
from tests.worker_driver import WorkerDriver

pytestmark = pytest.mark.real_model

PLACES: dict[str, list[str]] = {
    "llamacpp": ["eos_token_id", "eot_token_id", "eom_token_id"],
    "transformers": [
        "config.json",
        "generation_config.json 1",
        "generation_config.json 2",
        "tokenizer_config.json",
    ],
}
"""Where a mark is declared: keys of a GGUF file, files of a folder."""
NAMES = [
    *("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<|end_of_text|>", "<|endoftext|>"),
    *("<end_of_turn>", "<turn|>", "<end_of_utterance>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]"),
    "<\uff5cend\u2581of\u2581sentence\uff5c>",
]
"""Marks that end an answer wherever they are special tokens, whether or not anything declares them."""
KEYS = count(1)
FEW = GenerationOptions(max_tokens=4, temperature=0.0)


def declared(engine: str, folder: Path) -> Path:
    """A model of which each place declares the mark that is called after it."""
    script = Script([*(f"<{place}>" for place in PLACES[engine]), *NAMES])
    if engine == "llamacpp":

        def declare(writer: gguf.GGUFWriter) -> None:
            writer.add_eos_token_id(0)
            writer.add_eot_token_id(1)
            writer.add_uint32("tokenizer.ggml.eom_token_id", 2)

        return save_gguf(folder / "m.gguf", script, declare)
    files: dict[str, dict[str, Any]] = {
        "config.json": {"eos_token_id": 0},
        "generation_config.json": {"eos_token_id": [1, 2]},
        "tokenizer_config.json": {"eos_token": script.marks[3]},
    }
    return save_folder(folder / "m", script, files)


@pytest.fixture(scope="module", params=PLACES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def worker(engine: str) -> Iterator[WorkerDriver]:
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), engine) as driver:
        model = declared(engine, Path(folder))
        assert isinstance(driver.load(LoadModel("m", engine, str(model))), Ready)
        yield driver


def test_each_mark_ends_an_answer_wherever_it_is_declared(engine: str, worker: WorkerDriver) -> None:
    said = {}
    for at, place in enumerate([*PLACES[engine], *NAMES]):
        answer = worker.do(CompleteText(next(KEYS), PROMPTS[at], None, FEW))
        assert isinstance(answer.end, GenerationDone), answer.end
        said[place] = (answer.text, answer.end.finish_reason)
    assert said == {place: (ANSWERS[at], "stop") for at, place in enumerate(said)}
