"""Repositories whose only tokenizer is a SentencePiece file."""

import io
import json
from pathlib import Path

import pytest
import sentencepiece

from ai_pal.errors import AiPalError, Failure
from ai_pal.protocol.options import GenerationOptions
from tests import tiny_models
from tests.unit.workers.engines.transformers.recorder import Loaded
from workers.engines.transformers.loading import pretrained

SAID = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tiny_models.save(tmp_path / "m", "llama")
    for name in ("tokenizer.json", "chat_template.jinja"):
        (folder / name).unlink()
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(tiny_models.TEXT * 4),
        model_writer=written,
        vocab_size=360,
        model_type="bpe",
        byte_fallback=True,
        minloglevel=2,
    )
    (folder / "tokenizer.model").write_bytes(written.getvalue())
    (folder / "tokenizer_config.json").write_text(json.dumps(SAID))
    return folder


def refusal(folder: Path) -> Failure:
    with pytest.raises(AiPalError) as caught:
        Loaded(folder)
    return caught.value.failure


def test_it_is_read_and_the_model_answers(folder: Path) -> None:
    engine = Loaded(folder, dtype="float32")
    answer = engine.ask("The sea", GenerationOptions(max_tokens=4, extra={"ignore_eos": True}))
    engine.engine.close()
    assert answer.usage.completion_tokens == 4


def test_where_its_readers_are_missing_they_are_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "tokenizer.model").write_bytes(b"junk")
    assert refusal(folder).code == "model_invalid"
    monkeypatch.setattr(pretrained, "find_spec", lambda name: None)
    failure = refusal(folder)
    assert failure.code == "engine_missing"
    assert "needs sentencepiece and protobuf" in failure.message
    assert "'sentencepiece>=" in failure.hint
