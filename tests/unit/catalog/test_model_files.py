"""Models on this disk: folders in Hugging Face's layout, its cache, what is removed again."""

import json
import struct
from pathlib import Path

import pytest

from ai_pal.catalog import find, resolve
from ai_pal.catalog.inventory.removing import remove
from ai_pal.config import ModelSettings, Settings
from ai_pal.errors import AiPalError, Code

COMMIT, OTHER = "a" * 40, "b" * 40


def safetensors(size: int = 100) -> bytes:
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(size)


def model_folder(folder: Path, model_type: str = "llama") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    (folder / "model.safetensors").write_bytes(safetensors())
    return folder


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    return Settings(model_cache_dir=str(tmp_path / "models"))


def refusal(ref: str, settings: Settings) -> AiPalError:
    with pytest.raises(AiPalError) as caught:
        resolve(ref, settings)
    return caught.value


def test_a_folder_is_loaded_with_transformers(tmp_path: Path, settings: Settings) -> None:
    folder = model_folder(tmp_path / "mine")
    load = resolve(str(folder), settings)
    assert (load.engine, load.path) == ("transformers", str(folder))


@pytest.mark.parametrize("cut", [1, 50, 105, 300])
def test_cut_off_weights_are_noticed_before_a_worker_is_started(
    tmp_path: Path, settings: Settings, cut: int
) -> None:
    folder = model_folder(tmp_path / "mine")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: max(0, len(whole) - cut)])
    error = refusal(str(folder), settings)
    assert error.code == Code.MODEL_INVALID
    assert "pull the model again" in error.failure.hint


@pytest.mark.parametrize("content", [b"", b"\xff" * 200, struct.pack("<Q", 4) + b"[[[[", bytes(100)])
def test_weights_that_are_no_safetensors_are_refused(
    tmp_path: Path, settings: Settings, content: bytes
) -> None:
    folder = model_folder(tmp_path / "mine")
    (folder / "model.safetensors").write_bytes(content)
    assert refusal(str(folder), settings).code == Code.MODEL_INVALID


def test_a_lacking_shard_is_named(tmp_path: Path, settings: Settings) -> None:
    folder = model_folder(tmp_path / "mine")
    shard = "model-00001-of-00002.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": shard}}))
    assert shard in refusal(str(folder), settings).failure.message


@pytest.mark.parametrize("index", ['{"weight_map": {"a": "../evil.safetensors"}}', "{}", "["])
def test_an_index_that_makes_no_sense_is_refused(tmp_path: Path, settings: Settings, index: str) -> None:
    folder = model_folder(tmp_path / "mine")
    (folder / "model.safetensors.index.json").write_text(index)
    assert refusal(str(folder), settings).code == Code.MODEL_INVALID


def test_an_empty_folder_is_no_model(tmp_path: Path, settings: Settings) -> None:
    assert refusal(str(tmp_path), settings).code == Code.MODEL_INVALID


def cached(tmp_path: Path, commit: str = COMMIT, ref: str = "main") -> Path:
    repo = tmp_path / "hf/hub/models--org--name"
    (repo / "refs").mkdir(parents=True, exist_ok=True)
    if ref:
        (repo / "refs" / ref).write_text(commit)
    return model_folder(repo / "snapshots" / commit)


def test_hugging_faces_cache_is_used_where_it_lies(tmp_path: Path, settings: Settings) -> None:
    snapshot = cached(tmp_path)
    for ref in ("org/name", "org/name@main", f"org/name@{COMMIT}", f"org/name@{COMMIT[:8]}"):
        assert resolve(ref, settings).path == str(snapshot)
    assert refusal("org/name@v2", settings).code == Code.MODEL_NOT_HERE
    assert refusal("org/name:Q4_K_M", settings).code == Code.MODEL_NOT_HERE


def test_the_branch_says_which_commit_counts(tmp_path: Path, settings: Settings) -> None:
    cached(tmp_path, COMMIT)
    newer = cached(tmp_path, OTHER)
    assert resolve("org/name", settings).path == str(newer)


def test_a_half_snapshot_counts_as_none(tmp_path: Path, settings: Settings) -> None:
    (cached(tmp_path) / "model.safetensors").unlink()
    assert refusal("org/name", settings).code == Code.MODEL_NOT_HERE


def test_a_known_name_finds_its_repository_there(tmp_path: Path, settings: Settings) -> None:
    snapshot = model_folder(tmp_path / "hf/hub/models--microsoft--phi-2/snapshots" / COMMIT, "phi")
    load = resolve("phi-2", settings)
    assert (load.model, load.engine, load.path) == ("phi-2", "transformers", str(snapshot))
    assert resolve("phi-2:8bit", settings).options == {"quantize": "8bit"}


def test_an_alias_of_an_alias_keeps_its_own_name(tmp_path: Path, settings: Settings) -> None:
    snapshot = cached(tmp_path)
    models = {"a": ModelSettings(model="b?context=64"), "b": ModelSettings(model="org/name")}
    with_alias = Settings(model_cache_dir=settings.model_cache_dir, models=models)
    load = resolve("b", with_alias)
    assert (load.model, load.path) == ("b", str(snapshot))


def test_aliases_in_a_circle_are_a_mistake_in_the_config(settings: Settings) -> None:
    models = {"a": ModelSettings(model="b"), "b": ModelSettings(model="a")}
    assert refusal("a", Settings(models=models)).code == Code.CONFIG_INVALID


def test_a_variant_that_does_not_exist_lists_those_that_do(settings: Settings) -> None:
    error = refusal("phi-2:q9", settings)
    assert error.code == Code.MODEL_NOT_FOUND
    assert "q4_k_m" in error.failure.hint


def test_what_others_use_too_is_not_removed(tmp_path: Path, settings: Settings) -> None:
    snapshot = cached(tmp_path)
    with pytest.raises(AiPalError) as caught:
        remove(find("org/name", settings), settings)
    assert caught.value.code == Code.MODEL_INVALID
    assert (snapshot / "config.json").exists()


def test_a_file_of_ones_own_is_not_removed(tmp_path: Path, settings: Settings) -> None:
    folder = model_folder(tmp_path / "mine")
    with pytest.raises(AiPalError):
        remove(find(str(folder), settings), settings)
    assert (folder / "model.safetensors").exists()


def test_what_is_in_our_cache_is_removed_whole(tmp_path: Path, settings: Settings) -> None:
    repo = tmp_path / "models/models--org--name"
    model_folder(repo / "snapshots" / COMMIT)
    freed = remove(find("org/name", settings), settings)
    assert freed > 100
    assert not repo.exists()


def test_one_quantization_is_removed_and_the_other_stays(tmp_path: Path, settings: Settings) -> None:
    snapshot = tmp_path / "models/models--org--name/snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    for quant in ("Q4_K_M", "Q8_0"):
        (snapshot / f"x.{quant}.gguf").write_bytes(b"GGUF" + bytes(10))
    remove(find("org/name:Q8_0", settings), settings)
    assert [file.name for file in snapshot.iterdir()] == ["x.Q4_K_M.gguf"]
