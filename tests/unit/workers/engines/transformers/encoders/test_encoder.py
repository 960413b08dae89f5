"""Models that turn texts into vectors or rank them, and those that do neither."""

import base64
import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from ai_pal.errors import AiPalError
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import EmbedTexts, RerankTexts
from tests import tiny_models
from tests.unit.workers.engines.transformers.recorder import Answer, Loaded
from workers.engines.transformers.encoders.encoder import batches

TEXTS: list[str | list[int]] = [
    "The sea is deep",
    "ships",
    "naïve façade 数字",
    "The ships sail far away, and the sea is deep and blue.",
]
RECORDED = Path(__file__).with_name("minilm_vectors.json")
"""What sentence-transformers itself makes of these texts with the same weights."""


def save(folder: Path, architecture: str, pooling: dict[str, Any] | None = None, **changes: Any) -> Path:
    """A small random BERT of this class, with sentence-transformers' files where a pooling is given."""
    import transformers

    torch.manual_seed(3)
    tokenizer = tiny_models.byte_level()
    config = transformers.BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        **changes,
    )
    getattr(transformers, architecture)(config).save_pretrained(folder)
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", pad_token="</s>", model_max_length=64
    ).save_pretrained(folder)
    if pooling is not None:
        layers = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
        modules = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in layers]
        (folder / "modules.json").write_text(json.dumps(modules))
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    return folder


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    folder = save(tmp_path_factory.mktemp("embed") / "m", "BertModel", {"pooling_mode_mean_tokens": True})
    engine = Loaded(folder)
    yield engine
    engine.engine.close()


@pytest.fixture(scope="module")
def ranker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    engine = Loaded(
        save(tmp_path_factory.mktemp("rank") / "m", "BertForSequenceClassification", num_labels=1)
    )
    yield engine
    engine.engine.close()


def vectors(answer: Answer, count: int) -> list[list[float]]:
    assert answer.failure is None
    numbers = struct.unpack(f"<{len(answer.vectors) // 4}f", answer.vectors)
    size = len(numbers) // count
    return [list(numbers[at * size : (at + 1) * size]) for at in range(count)]


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True)) / math.hypot(*one) / math.hypot(*other)


def test_vectors_do_not_depend_on_what_is_beside_them(embedder: Loaded) -> None:
    together = vectors(embedder.do(lambda key: EmbedTexts(key, TEXTS)), len(TEXTS))
    for text, vector in zip(TEXTS, together, strict=True):
        alone = vectors(embedder.do(lambda key, text=text: EmbedTexts(key, [text])), 1)[0]  # type: ignore[misc]
        assert cosine(alone, vector) > 0.99999
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-5)


def test_fewer_dimensions_are_the_first_ones_at_length_one(embedder: Loaded) -> None:
    whole = vectors(embedder.do(lambda key: EmbedTexts(key, TEXTS[:1])), 1)[0]
    short = vectors(embedder.do(lambda key: EmbedTexts(key, TEXTS[:1], 8)), 1)[0]
    assert len(short) == 8
    assert cosine(short, whole[:8]) > 0.99999
    assert math.hypot(*short) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("cls_token", lambda states: states[0]),
        ("lasttoken", lambda states: states[-1]),
        ("max_tokens", lambda states: states.amax(0)),
        ("mean_tokens", lambda states: states.mean(0)),
    ],
)
def test_each_pooling_is_what_its_name_says(mode: str, expected: Any, tmp_path: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    folder = save(tmp_path / "m", "BertModel", {f"pooling_mode_{mode}": True})
    engine = Loaded(folder)
    told = vectors(engine.do(lambda key: EmbedTexts(key, TEXTS)), len(TEXTS))[0]
    engine.engine.close()
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    with torch.inference_mode():
        states = model(torch.tensor([tokenizer(TEXTS[0])["input_ids"]])).last_hidden_state[0]
    assert cosine(told, expected(states).tolist()) > 0.99999


def test_scores_are_those_of_each_pair_alone(ranker: Loaded) -> None:
    assert ranker.ready.abilities == ["rerank"]
    texts = [str(text) for text in TEXTS]
    scores = ranker.do(lambda key: RerankTexts(key, "sea", texts)).scores
    alone = [ranker.do(lambda key, one=one: RerankTexts(key, "sea", [one])).scores[0] for one in texts]  # type: ignore[misc]
    assert scores == pytest.approx(alone, abs=1e-5)
    assert len(set(scores)) == len(scores)


def test_a_text_beyond_the_window_is_refused_with_both_figures(embedder: Loaded) -> None:
    failure = embedder.do(lambda key: EmbedTexts(key, ["x", "word " * 100])).failure
    assert failure is not None
    assert failure.code == "prompt_too_large"
    assert "text 2" in failure.message
    cut = embedder.do(lambda key: EmbedTexts(key, ["word " * 100, [5] * 100], 0, truncate=True))
    whole = embedder.do(lambda key: EmbedTexts(key, [[5] * 64]))
    assert vectors(cut, 2)[1] == pytest.approx(vectors(whole, 1)[0], abs=1e-5)
    assert cut.usage.prompt_tokens == 2 * 64
    assert "64" in failure.message


def test_what_it_was_not_made_for_is_refused(embedder: Loaded, ranker: Loaded) -> None:
    assert embedder.ready.abilities == ["embed"]
    with pytest.raises(AiPalError) as caught:
        embedder.begin("hello", GenerationOptions())
    assert caught.value.code == "unsupported"
    with pytest.raises(AiPalError) as caught:
        ranker.do(lambda key: EmbedTexts(key, TEXTS))
    assert caught.value.code == "unsupported"
    failure = embedder.do(lambda key: EmbedTexts(key, TEXTS, 4096)).failure
    assert failure is not None
    assert failure.code == "bad_request"


@pytest.mark.parametrize(
    ("architecture", "changes", "reason"),
    [
        ("BertForMaskedLM", {}, "writes no text"),
        ("BertForSequenceClassification", {"num_labels": 3}, "3 classes"),
    ],
)
def test_an_encoder_that_does_neither_is_refused(
    architecture: str, changes: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    folder = save(tmp_path / "m", architecture, **changes)
    with pytest.raises(AiPalError) as caught:
        Loaded(folder)
    assert caught.value.code == "model_invalid"
    assert reason in caught.value.failure.message


def test_weights_that_give_no_numbers_give_no_vectors(embedder: Loaded) -> None:
    weights = next(embedder.engine._batch._model.parameters())
    whole = weights.clone()
    with torch.no_grad():
        weights.fill_(float("nan"))
    failure = embedder.do(lambda key: EmbedTexts(key, ["the sea"])).failure
    with torch.no_grad():
        weights.copy_(whole)
    assert failure is not None
    assert failure.code == "model_invalid"


def test_rows_of_like_length_are_computed_together() -> None:
    assert batches([5, 1, 4, 1], most=8) == [[1, 3], [2], [0]]
    assert batches([]) == []


def test_vectors_are_those_of_sentence_transformers(sentence_model: Path) -> None:
    """One of them has more tokens than the model takes: there it is cut off, here where that is asked for."""
    recorded = json.loads(RECORDED.read_text())
    engine = Loaded(sentence_model)
    texts = recorded["texts"]
    told = vectors(engine.do(lambda key: EmbedTexts(key, texts, 0, truncate=True)), len(texts))
    engine.engine.close()
    for vector, written in zip(told, recorded["vectors"], strict=True):
        expected = list(struct.unpack(f"<{len(vector)}f", base64.b64decode(written)))
        assert cosine(vector, expected) >= 0.9999


def test_tokens_are_a_text_too(sentence_model: Path) -> None:
    from transformers import AutoTokenizer

    engine = Loaded(sentence_model)
    texts = ["a text", "another, which is longer"]
    tokens = AutoTokenizer.from_pretrained(str(sentence_model))(texts)["input_ids"]
    mixed = vectors(engine.do(lambda key: EmbedTexts(key, [tokens[0], texts[1]])), 2)
    wrong = engine.do(lambda key: EmbedTexts(key, [[10**6]]))
    plain = vectors(engine.do(lambda key: EmbedTexts(key, list(texts))), 2)
    engine.engine.close()
    assert all(cosine(one, other) >= 0.9999 for one, other in zip(mixed, plain, strict=True))
    assert wrong.failure is not None
    assert wrong.failure.code == "bad_request"
