"""What lists for programs tell of a model, by its files."""

import json
from pathlib import Path

import pytest

from ai_pal.catalog.inventory.details import details_of
from ai_pal.config import ModelSettings, Settings
from tests.hub.repositories import safetensors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(safetensors(1000))
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": "{{ tools }}"}')
    return tmp_path


@pytest.mark.parametrize(
    ("config", "stored"),
    [
        ({"torch_dtype": "bfloat16"}, "BF16"),
        ({"dtype": "float16"}, "F16"),
        ({"quantization_config": {"quant_method": "fp8"}}, "FP8"),
        ({}, ""),
    ],
)
def test_a_folder_tells_what_it_is(folder: Path, config: dict[str, object], stored: str) -> None:
    said = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "max_position_embeddings": 2048}
    (folder / "config.json").write_text(json.dumps(said | config))
    settings = Settings(models={"mine": ModelSettings(path=str(folder), context=512)})
    found = details_of("mine", settings)
    assert (found.format, found.architecture, found.quantization) == ("safetensors", "llama", stored)
    assert (found.parameters, found.context, found.basename) == (1000, 512, "mine")
    assert found.template == "{{ tools }}"
    assert found.strengths == ("tools",)


def test_what_is_built_in_has_no_files() -> None:
    found = details_of("echo?context=100", Settings())
    assert (found.format, found.architecture, found.context, found.template) == ("", "echo", 100, "")
