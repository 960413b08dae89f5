"""A small random cross-encoder of a real class ranks in both engines as the library itself does."""

import tempfile
from pathlib import Path
from typing import Any

import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.worker import (
    EmbedTexts,
    Generate,
    GenerationFailed,
    LoadModel,
    Ready,
    Reranked,
    RerankTexts,
)
from scripts.bert_to_gguf import convert
from tests import tiny_models
from tests.worker_driver import WorkerDriver

pytestmark = pytest.mark.real_model

QUERY = "the sea"
TEXTS = ["the ships sail far away", "a cake with sugar", "the sea is deep", "sea", "unknownwords"]


@pytest.fixture(scope="module")
def ranker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.save_ranker(tmp_path_factory.mktemp("ranker") / "model")


def by_the_library(folder: Path) -> list[float]:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        read = tokenizer([QUERY] * len(TEXTS), TEXTS, padding=True, return_tensors="pt")
        scores: list[float] = model(**read).logits[:, 0].tolist()
    return scores


@pytest.mark.parametrize(("engine", "near"), [("transformers", 1e-4), ("llamacpp", 5e-3)])
def test_scores_are_those_of_the_library(engine: str, near: float, ranker: Path, tmp_path: Path) -> None:
    """llama.cpp's weights have 16 bits."""
    model = ranker
    if engine == "llamacpp":
        model = tmp_path / "ranker.gguf"
        convert(ranker, model)
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), engine) as driver:
        ready = driver.load(LoadModel("ranker", engine, str(model)))
        assert isinstance(ready, Ready), ready
        assert ready.abilities == ["rerank"]
        end = driver.do(RerankTexts(1, QUERY, TEXTS)).end
        assert isinstance(end, Reranked), end
        assert end.scores == pytest.approx(by_the_library(ranker), abs=near)
        for job in (Generate(2, [Message("user", "x")]), EmbedTexts(3, ["x"])):
            refused = driver.do(job).end
            assert isinstance(refused, GenerationFailed)
            assert refused.failure.code == "unsupported"
