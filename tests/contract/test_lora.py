"""Adapters on llama.cpp: they do what their weights say, and what does not belong to a model is refused."""

import tempfile
from pathlib import Path

import pytest

from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import GenerationDone, LoadFailed, LoadModel, Ready
from tests import lora, tiny_gguf
from tests.worker_driver import WorkerDriver

pytestmark = pytest.mark.real_model

GREEDY = GenerationOptions(temperature=0.0, max_tokens=16, extra={"ignore_eos": True})


def said(model: Path, *adapters: str) -> str | LoadFailed:
    """What the model answers, or why it is not loaded."""
    spec = LoadModel("m", "llamacpp", str(model), context=128, options={"lora": list(adapters)})
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), "llamacpp") as driver:
        loaded = driver.load(spec)
        if isinstance(loaded, LoadFailed):
            return loaded
        assert isinstance(loaded, Ready)
        answer = driver.ask(1, "the sea is deep", GREEDY)
        assert isinstance(answer.end, GenerationDone)
        return answer.text


def test_an_adapter_adds_to_the_weights_as_often_as_it_is_scaled(tmp_path: Path) -> None:
    plain = tiny_gguf.save(tmp_path / "m.gguf", "sentencepiece")
    merged = tiny_gguf.save(tmp_path / "merged.gguf", "sentencepiece", changes=lora.changes(0.75))
    adapter = lora.save_gguf(tmp_path / "a.gguf")
    adapted = said(plain, f"{adapter}=0.5", f"{adapter}=0.25")
    assert adapted == said(merged) != said(plain)


def test_one_for_a_model_of_another_size_is_refused(tmp_path: Path) -> None:
    plain = tiny_gguf.save(tmp_path / "m.gguf", "sentencepiece")
    refused = said(plain, str(lora.save_gguf(tmp_path / "a.gguf", width=32)))
    assert isinstance(refused, LoadFailed)
    assert refused.failure.code == "model_invalid"
    assert "with this adapter" in refused.failure.message
    assert "made for this model" in refused.failure.hint
