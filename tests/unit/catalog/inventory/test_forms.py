"""Which quantizations of a model are here: for `ai-pal bench` to compare."""

from pathlib import Path

import pytest

from ai_pal.catalog.inventory.forms import other_forms
from ai_pal.config import ModelSettings, Settings
from ai_pal.errors import AiPalError

REPO = "unsloth/Qwen3.5-4B-GGUF"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hf"))
    return Settings(model_cache_dir=str(tmp_path / "models"))


def lay(folder: Path, *names: str) -> None:
    """GGUF files, each larger than the one before."""
    folder.mkdir(parents=True, exist_ok=True)
    for size, name in enumerate(names):
        (folder / name).write_bytes(b"GGUF\x03\0\0\0" + bytes(size))


def snapshot(settings: Settings, repo: str) -> Path:
    return Path(settings.model_cache_dir) / f"models--{repo.replace('/', '--')}/snapshots/{'a' * 40}"


def test_of_a_known_model_they_have_its_name(settings: Settings) -> None:
    lay(snapshot(settings, REPO), "Qwen3.5-4B-Q4_K_XL.gguf", "Qwen3.5-4B-Q8_0.gguf", "mmproj-F16.gguf")
    assert other_forms("qwen3.5:4b:q8_0", settings) == ["qwen3.5:4b:q4_k_xl"]
    assert other_forms("qwen3.5:4b?threads=2", settings) == ["qwen3.5:4b:Q8_0?threads=2"]
    named = Settings(model_cache_dir=settings.model_cache_dir, models={"mine": ModelSettings(model=REPO)})
    assert other_forms("qwen3.5:4b", named) == ["qwen3.5:4b:Q8_0"]


def test_of_a_repository_they_have_its_name_and_revision(settings: Settings) -> None:
    lay(snapshot(settings, "org/name"), "name-Q4_K_M.gguf", "name-Q6_K.gguf", "other-Q8_0.gguf")
    (snapshot(settings, "org/name").parents[1] / "refs").mkdir()
    (snapshot(settings, "org/name").parents[1] / "refs/v1").write_text("a" * 40)
    assert other_forms("org/name@v1:Q4_K_M", settings) == ["org/name@v1:Q6_K"]


def test_of_a_file_they_lie_beside_it_the_largest_first(tmp_path: Path, settings: Settings) -> None:
    lay(tmp_path / "mine", "coder-q4_0.gguf", "coder-Q8_0.gguf", "coder-Q6_K.gguf", "writer-Q8_0.gguf")
    mine = {"mine": ModelSettings(path=str(tmp_path / "mine/coder-q4_0.gguf"))}
    own = Settings(model_cache_dir=settings.model_cache_dir, models=mine)
    expected = [str(tmp_path / f"mine/coder-{kind}.gguf") for kind in ("Q6_K", "Q8_0")]
    assert other_forms("mine", own) == expected
    assert other_forms(f"{tmp_path}/mine/writer-Q8_0.gguf", own) == []


def test_what_has_one_form_has_no_other_and_what_is_unknown_is_refused(settings: Settings) -> None:
    assert other_forms("echo", settings) == []
    with pytest.raises(AiPalError):
        other_forms("nosuch", settings)
