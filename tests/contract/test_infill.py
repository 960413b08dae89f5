"""What belongs between two texts: both engines ask models that have marks for it, in the order of those."""

import tempfile
from pathlib import Path

import pytest

from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import CompleteText, GenerationDone, LoadModel, Ready
from tests import tiny_gguf, tiny_models
from tests.split_gguf import with_numbers
from tests.worker_driver import WorkerDriver

pytestmark = pytest.mark.real_model

BEFORE, BEHIND = "def f(a): " * 15, "\n f(1)" * 20
"""Longer than what llama.cpp's own route for it takes of each, with a usual chunk."""
FEW = GenerationOptions(temperature=0.0, max_tokens=6)
IDS = {f"tokenizer.ggml.fim_{name}_token_id": number for name, number in (("pre", 3), ("suf", 4), ("mid", 5))}
"""Tokens that no text has."""
MARKS = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")


def model(engine: str, folder: Path) -> Path:
    if engine == "llamacpp":
        return with_numbers(tiny_gguf.save(folder / "tiny.gguf", "bytes"), folder / "fills.gguf", IDS)
    return tiny_models.save(folder / "fills", "llama", None, MARKS)


@pytest.mark.parametrize("engine", ["llamacpp", "transformers"])
def test_a_model_with_marks_for_it_fills_in(engine: str, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), engine) as driver:
        spec = LoadModel("m", engine, str(model(engine, tmp_path)), context=512)
        ready = driver.load(spec)
        assert isinstance(ready, Ready), ready
        assert "infill" in ready.abilities
        used = {}
        for key, (before, behind) in enumerate([(BEFORE, None), (BEHIND, None), (BEFORE, BEHIND)], 1):
            end = driver.do(CompleteText(key, before, behind, FEW)).end
            assert isinstance(end, GenerationDone), end
            used[key] = end.usage
        assert used[3].prompt_tokens == used[1].prompt_tokens + used[2].prompt_tokens + len(MARKS)
        assert used[3].completion_tokens
