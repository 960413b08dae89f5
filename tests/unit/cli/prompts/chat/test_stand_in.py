"""Who may stand in for a model that is not here yet."""

from pathlib import Path

import pytest

from ai_pal.catalog import Found, find
from ai_pal.catalog.references.default import STARTER
from ai_pal.cli.prompts.chat import stand_in as module
from ai_pal.cli.prompts.chat.stand_in import load_seconds, stand_in
from ai_pal.config import Settings

SMALL, LARGE = 50_000_000, 4_000_000_000


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A cache in which the starter lies, and a large model file as the default."""
    cache = tmp_path / "models"
    starter = cache / "smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    large = tmp_path / "large.gguf"
    for file, size in ((starter, 98_362_432), (large, LARGE)):
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as out:
            out.write(b"GGUF")
            out.truncate(size)
    monkeypatch.setattr("ai_pal.catalog.weights.files.checked_model", lambda path: ("llamacpp", str(path)))
    return Settings(model_cache_dir=str(cache), model=str(large))


def wanted(size: int, engine: str = "llamacpp") -> Found:
    return Found("org/wanted", {}, engine, wanted=find("phi-3", Settings()).wanted, size=size)


def test_the_default_model_stands_in_where_it_is_no_slower_to_load(settings: Settings) -> None:
    assert stand_in("org/wanted", wanted(2 * LARGE), 0, settings) == settings.model


def test_a_slower_default_model_does_not_and_the_starter_does(settings: Settings) -> None:
    assert stand_in("org/wanted", wanted(LARGE // 2), 0, settings) == STARTER


def test_nobody_stands_in_for_what_loads_faster_than_all(settings: Settings) -> None:
    assert stand_in("org/wanted", wanted(SMALL), 0, settings) == ""


def test_what_its_download_has_told_counts(settings: Settings) -> None:
    assert stand_in("org/wanted", wanted(0), SMALL, settings) == ""
    assert stand_in("org/wanted", wanted(0), 2 * LARGE, settings) == settings.model


def test_for_a_repository_of_unknown_size_only_a_quick_one_stands_in(settings: Settings) -> None:
    assert stand_in("org/wanted", wanted(0), 0, settings) == STARTER


def test_a_model_does_not_stand_in_for_itself(settings: Settings) -> None:
    assert stand_in(settings.model, find(settings.model, settings), 0, settings) == STARTER
    alias = Found("another name", {}, "llamacpp", path=settings.model, size=LARGE)
    assert stand_in("another name", alias, 0, settings) == STARTER


def test_an_engine_that_is_slow_to_import_is_slower_with_as_many_bytes() -> None:
    assert load_seconds("echo", 0) < load_seconds("llamacpp", SMALL) < load_seconds("transformers", SMALL)
    assert set(module.ENGINE_SECONDS) == {"echo", "llamacpp", "transformers"}
