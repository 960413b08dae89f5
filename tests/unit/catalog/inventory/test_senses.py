"""Which models on this disk see or hear."""

import json
from pathlib import Path

import pytest

from ai_pal.catalog.inventory.senses import abilities_with_senses, senses_of
from ai_pal.config import ModelSettings, Settings
from ai_pal.protocol.options import Ability
from ai_pal.protocol.worker import LoadModel
from tests.gguf_files import gguf

LLAMA: dict[str, object] = {"general.architecture": "llama", "llama.embedding_length": 64}


def eye(kind: str) -> bytes:
    return gguf({"general.architecture": "clip", "general.type": "mmproj", "clip.projector_type": kind}, [])


@pytest.mark.parametrize(("kind", "senses"), [("mlp", {"images"}), ("ultravox", {"audio"})])
def test_a_projector_beside_a_model_tells(kind: str, senses: set[Ability], tmp_path: Path) -> None:
    model, settings = tmp_path / "m.gguf", Settings(model_cache_dir=str(tmp_path / "models"))
    model.write_bytes(gguf(LLAMA, []))
    assert senses_of(LoadModel("m", "llamacpp", str(model))) == set()
    (tmp_path / "mmproj-m.gguf").write_bytes(eye(kind))
    assert senses_of(LoadModel("m", "llamacpp", str(model))) == senses
    settings = Settings(
        model_cache_dir=settings.model_cache_dir, models={"m": ModelSettings(path=str(model))}
    )
    assert {name: able & {"images", "audio"} for name, able in abilities_with_senses(settings).items()} == {
        "m": senses
    }


def test_the_configuration_of_a_folder_tells(tmp_path: Path) -> None:
    folder = LoadModel("m", "transformers", str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    assert senses_of(folder) == set()
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llava", "vision_config": {}}))
    assert senses_of(folder) == {"images"}
