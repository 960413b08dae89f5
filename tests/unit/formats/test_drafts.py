"""Which draft model can guess for a model: one with the same vocabulary."""

from pathlib import Path

import pytest

from ai_pal.errors import AiPalError, Code
from ai_pal.formats import drafts
from tests import tiny_gguf


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.save(tmp_path_factory.mktemp("models") / "m.gguf", "sentencepiece")


def refusal(model: Path, draft: Path) -> str:
    with pytest.raises(AiPalError) as refused:
        drafts.check(model, draft)
    assert refused.value.code == Code.MODEL_INVALID
    return refused.value.failure.message


@pytest.mark.parametrize(
    ("value", "draft"), [("ngram", ""), ("off", ""), ("auto", ""), ("", ""), (3, ""), ("qwen", "qwen")]
)
def test_what_is_no_kind_is_a_draft(value: object, draft: str) -> None:
    assert drafts.named({"speculate": value}) == draft
    assert not drafts.named({})


def test_one_with_the_same_vocabulary_can(model: Path, tmp_path: Path) -> None:
    drafts.check(model, tiny_gguf.save(tmp_path / "d.gguf", "sentencepiece", context=64))


@pytest.mark.parametrize("vocabulary", ["bytes", "unigram"])
def test_one_with_another_vocabulary_cannot(vocabulary: str, model: Path, tmp_path: Path) -> None:
    draft = tiny_gguf.save(tmp_path / "d.gguf", vocabulary)
    assert "another vocabulary" in refusal(model, draft)


def test_one_of_whose_tokens_a_text_differs_cannot(model: Path, tmp_path: Path) -> None:
    front, word, rest = model.read_bytes().partition("▁weather".encode())
    (tmp_path / "d.gguf").write_bytes(front + "▁Weather".encode() + rest)
    assert word
    assert "other texts" in refusal(model, tmp_path / "d.gguf")


def test_one_that_ends_otherwise_cannot(model: Path, tmp_path: Path) -> None:
    key = b"tokenizer.ggml.eos_token_id"
    front, _, rest = model.read_bytes().partition(key)
    (tmp_path / "d.gguf").write_bytes(front + key + rest[:4] + b"\1" + rest[5:])
    assert "eos_token_id" in refusal(model, tmp_path / "d.gguf")


def test_one_with_a_state_or_without_an_answer_cannot(model: Path, tmp_path: Path) -> None:
    assert "state" in refusal(model, tiny_gguf.save_mamba(tmp_path / "s.gguf"))
    assert "writes nothing" in refusal(
        model, tiny_gguf.save(tmp_path / "b.gguf", "wordpiece", architecture="bert")
    )


def test_one_that_is_not_there_or_cut_off_cannot(model: Path, tmp_path: Path) -> None:
    assert "no draft model" in refusal(model, tmp_path / "d.gguf")
    assert "relative" in refusal(model, Path("d.gguf"))
    (tmp_path / "d.gguf").write_bytes(model.read_bytes()[:-5000])
    assert "cut off" in refusal(model, tmp_path / "d.gguf")
