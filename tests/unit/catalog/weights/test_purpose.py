"""What a model was made for, out of its files alone."""

import json
from pathlib import Path

import pytest

from ai_pal.catalog.weights.purpose import made_for, purpose
from tests.gguf_files import gguf


@pytest.mark.parametrize(
    ("architectures", "modules", "expected"),
    [
        (["LlamaForCausalLM"], False, "chat"),
        (["GPT2LMHeadModel"], False, "chat"),
        (["Qwen3ForCausalLM"], True, "embed"),
        (["BertModel"], False, "embed"),
        (["BertForSequenceClassification"], False, "rerank"),
        (["LlavaForConditionalGeneration"], False, "chat"),
    ],
)
def test_a_folder(tmp_path: Path, architectures: list[str], modules: bool, expected: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"architectures": architectures}))
    if modules:
        (tmp_path / "modules.json").write_text("[]")
    assert purpose(str(tmp_path)) == expected


@pytest.mark.parametrize(
    ("architecture", "expected"), [("bert", "embed"), ("nomic-bert", "embed"), ("llama", "chat")]
)
def test_a_file(tmp_path: Path, architecture: str, expected: str) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(gguf({"general.architecture": architecture}, []))
    assert purpose(str(file)) == expected
    assert made_for("embed", [str(file), str(file)]) == ([str(file)] if expected == "embed" else [])


def test_what_cannot_be_read_is_left_to_the_load(tmp_path: Path) -> None:
    assert purpose(str(tmp_path / "nowhere.gguf")) == "chat"
    assert purpose(str(tmp_path)) == "chat"
