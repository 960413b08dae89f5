"""A real sentence model in llama.cpp: its vectors are those of the same weights elsewhere; it only embeds."""

import math
import struct
import tempfile
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.worker import (
    CompleteText,
    Embedded,
    EmbedTexts,
    Generate,
    GenerationFailed,
    LoadModel,
    Ready,
    RerankTexts,
)
from scripts.bert_to_gguf import convert
from tests.worker_driver import WorkerDriver

pytestmark = pytest.mark.real_model

KEYS = count(1)
TEXTS = [
    "The weather is lovely today.",
    "It's so sunny outside!",
    "He drove to the stadium.",
    "数学 für alle",
]


@pytest.fixture(scope="module")
def worker(sentence_model: Path) -> Iterator[WorkerDriver]:
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), "llamacpp") as driver:
        file = Path(folder) / "minilm.gguf"
        convert(sentence_model, file)
        ready = driver.load(LoadModel("minilm", "llamacpp", str(file)))
        assert isinstance(ready, Ready)
        assert ready.abilities == ["embed"]
        yield driver


def vectors(
    driver: WorkerDriver, texts: Sequence[str | list[int]], dimensions: int = 0
) -> list[tuple[float, ...]]:
    end = driver.do(EmbedTexts(next(KEYS), list(texts), dimensions)).end
    assert isinstance(end, Embedded), end
    size = end.dimensions
    return [struct.unpack_from(f"<{size}f", end.vectors, at * size * 4) for at in range(len(texts))]


def elsewhere(folder: Path, texts: list[str]) -> list[list[float]]:
    """As sentence-transformers does it: the mean over the tokens, of length 1."""
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder))
    model = transformers.AutoModel.from_pretrained(str(folder)).eval()
    with torch.no_grad():
        read = tokenizer(texts, padding=True, return_tensors="pt")
        seen = read.attention_mask[..., None].float()
        mean = (model(**read).last_hidden_state * seen).sum(1) / seen.sum(1)
    made: list[list[float]] = torch.nn.functional.normalize(mean, dim=1).tolist()
    return made


def test_vectors_are_those_of_the_same_weights_elsewhere(worker: WorkerDriver, sentence_model: Path) -> None:
    for here, there in zip(vectors(worker, TEXTS), elsewhere(sentence_model, TEXTS), strict=True):
        assert math.isclose(math.hypot(*here), 1.0, rel_tol=1e-5)
        assert sum(one * other for one, other in zip(here, there, strict=True)) >= 0.999


def test_many_texts_keep_their_order(worker: WorkerDriver) -> None:
    texts = [f"text number {index}" for index in range(40)]
    assert vectors(worker, texts)[33] == pytest.approx(vectors(worker, texts[33:34])[0], abs=1e-3)


def test_fewer_dimensions_are_the_first_ones(worker: WorkerDriver) -> None:
    (whole,), (short,) = vectors(worker, TEXTS[:1]), vectors(worker, TEXTS[:1], 64)
    length = math.hypot(*whole[:64])
    assert short == pytest.approx([one / length for one in whole[:64]], abs=1e-5)
    assert _refusal(worker, EmbedTexts(next(KEYS), ["x"], 4000)) == ("bad_request", "384")


def test_tokens_are_a_text_too(worker: WorkerDriver, sentence_model: Path) -> None:
    import transformers

    tokens = transformers.AutoTokenizer.from_pretrained(str(sentence_model))(TEXTS)["input_ids"]
    mixed: list[str | list[int]] = [tokens[0], TEXTS[1], *tokens[2:]]
    for here, there in zip(vectors(worker, mixed), vectors(worker, TEXTS), strict=True):
        assert here == pytest.approx(there, abs=1e-3)
    end = worker.do(EmbedTexts(next(KEYS), [[10**6]])).end
    assert isinstance(end, GenerationFailed)
    assert end.failure.code == "bad_request"


def test_what_it_cannot_do_is_refused(worker: WorkerDriver) -> None:
    key = next(KEYS)
    assert _refusal(worker, Generate(key, [Message("user", "x")]))[0] == "unsupported"
    assert _refusal(worker, RerankTexts(next(KEYS), "x", ["y"]))[0] == "unsupported"
    assert _refusal(worker, CompleteText(next(KEYS), "x"))[0] == "unsupported"


def test_a_text_that_is_too_long_is_refused_with_both_figures(worker: WorkerDriver) -> None:
    assert _refusal(worker, EmbedTexts(next(KEYS), ["x", "word " * 900])) == ("prompt_too_large", "512")
    assert vectors(worker, ["x"])


def test_where_that_is_asked_for_it_is_cut_off_as_elsewhere(worker: WorkerDriver) -> None:
    long, tokens = "word " * 900, [2773] * 900
    end = worker.do(EmbedTexts(next(KEYS), [long, "word " * 510, tokens, tokens[:512]], truncate=True)).end
    assert isinstance(end, Embedded), end
    size = end.dimensions
    cut, fits, cut_tokens, fit_tokens = (
        struct.unpack_from(f"<{size}f", end.vectors, at * size * 4) for at in range(4)
    )
    assert cut == pytest.approx(fits, abs=1e-3)
    assert cut_tokens == pytest.approx(fit_tokens, abs=1e-3)


def _refusal(
    worker: WorkerDriver, job: Generate | CompleteText | EmbedTexts | RerankTexts
) -> tuple[str, str]:
    """The code, and the last number of the message."""
    end = worker.do(job).end
    assert isinstance(end, GenerationFailed)
    numbers = [word for word in end.failure.message.replace(",", " ").split() if word.isdigit()]
    return end.failure.code, next((word for word in numbers if word in ("384", "512")), "")
