"""What `ai-pal list` knows about each model."""

import hashlib
from pathlib import Path

import pytest
from msgspec import structs

from ai_pal.catalog import CATALOG, KnownModel, Variant, find
from ai_pal.catalog.inventory.listed import Listed, inventory
from ai_pal.config import ModelSettings, Settings
from ai_pal.protocol.wanted import Artifact, LocalFile
from ai_pal.sources.pulling import pull

CONTENT = b"GGUF content"


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A known model with a local source; gives its place in the cache."""

    stick = tmp_path / "stick.gguf"
    stick.write_bytes(CONTENT)
    digest = hashlib.sha256(CONTENT).hexdigest()
    artifact = Artifact("tiny/tiny.gguf", len(CONTENT), digest, LocalFile(str(stick)))
    monkeypatch.setitem(CATALOG, "tiny", KnownModel("tiny", "a test", (Variant("q8", "llamacpp", artifact),)))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hf"))
    return tmp_path / "models" / "tiny" / "tiny.gguf"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(model_cache_dir=str(tmp_path / "models"))


def listed(name: str, settings: Settings) -> Listed:
    return next(model for model in inventory(settings) if model.name == name)


def test_the_engine_for_tests_is_not_listed(settings: Settings) -> None:
    assert "echo" not in {model.name for model in inventory(settings)}


def test_a_model_that_was_not_pulled_is_not_here(tiny: Path, settings: Settings) -> None:
    assert listed("tiny", settings).state == "not here"


def test_a_pulled_model_is_verified_and_tells_its_source(tiny: Path, settings: Settings) -> None:
    pull("tiny", settings, lambda _done, _total: None)
    found = listed("tiny", settings)
    assert (found.state, found.size, found.path) == ("verified", len(CONTENT), str(tiny))
    assert found.source.endswith("stick.gguf")


def test_a_file_nobody_verified_is_here(tiny: Path, settings: Settings) -> None:
    tiny.parent.mkdir(parents=True)
    tiny.write_bytes(CONTENT)
    assert listed("tiny", settings).state == "here"


def test_a_cut_file_is_damaged(tiny: Path, settings: Settings) -> None:
    pull("tiny", settings, lambda _done, _total: None)
    tiny.write_bytes(CONTENT[:-1])
    assert listed("tiny", settings).state == "damaged"


def test_a_junk_manifest_counts_as_none(tiny: Path, settings: Settings) -> None:
    pull("tiny", settings, lambda _done, _total: None)
    tiny.with_name("tiny.gguf.json").write_text("{")
    assert listed("tiny", settings).state == "here"


def test_models_of_ones_own_are_listed(tiny: Path, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(CONTENT)
    models = {
        "mine": ModelSettings(path=str(tmp_path / "x.gguf")),
        "other": ModelSettings(path=f"{tmp_path}/x.gguf?context=256&chat_template=/x"),
        "gone": ModelSettings(path="/nowhere/x.gguf"),
        "smollm2": ModelSettings(slots=2),
    }
    settings = Settings(model_cache_dir=settings.model_cache_dir, models=models)
    assert (listed("mine", settings).state, listed("mine", settings).source) == ("here", "config")
    assert (listed("other", settings).state, listed("other", settings).path) == ("here", f"{tmp_path}/x.gguf")
    assert listed("gone", settings).state == "not here"
    assert {model.name for model in inventory(settings)} == {*CATALOG, "gone", "mine", "other"} - {"echo"}


@pytest.mark.parametrize("budget", [3_000_000_000, 100_000_000_000])
def test_what_is_not_here_has_the_size_of_what_would_be_fetched(tmp_path: Path, budget: int) -> None:
    settings = Settings(model_cache_dir=str(tmp_path / "models"), memory_budget=budget)
    chosen = find("phi-3", settings)
    absent = listed("phi-3", settings)
    assert absent.size == chosen.size
    assert absent.source in str(chosen.wanted)


def test_a_model_of_ones_own_may_have_a_name_of_the_catalog(tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "own.gguf"
    file.write_bytes(CONTENT)
    own = structs.replace(settings, models={"phi-2": ModelSettings(path=str(file))})
    assert listed("phi-2", own).path == str(file)


def test_another_name_of_what_is_built_in_is_whole(settings: Settings) -> None:
    named = structs.replace(settings, models={"parrot": ModelSettings(model="echo")})
    assert listed("parrot", named).state == "built in"
