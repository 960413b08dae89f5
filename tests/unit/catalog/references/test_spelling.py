"""Names in any case, and with `:latest` or without."""

from pathlib import Path

import pytest

from ai_pal.catalog import find, keep_alive, resolve
from ai_pal.catalog.references.spelling import spelled
from ai_pal.config import ModelSettings, Settings
from tests.gguf_files import gguf


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("QWEN3.5:4B", "qwen3.5:4b"),
        ("nomic-embed-text:latest", "nomic-embed-text"),
        ("Phi-2:Q4_K_M", "phi-2:q4_k_m"),
        ("Qwen3.5:LATEST", "qwen3.5"),
        ("CODER", "Coder"),
        ("coder:latest", "Coder"),
        ("small", "small"),
        ("qwen3.6", "qwen3.6"),
        ("QWEN3.6", "QWEN3.6"),
        ("PHI-3", "phi-3"),
        ("Org/Name:Q8_0", "Org/Name:Q8_0"),
        ("Org/Name:latest", "Org/Name"),
        ("/Models/A:latest", "/Models/A:latest"),
        ("/Models/A.gguf", "/Models/A.gguf"),
        ("nosuch:latest", "nosuch:latest"),
        ("library/phi-2", "phi-2"),
        ("registry.ollama.ai/library/nomic-embed-text:latest", "nomic-embed-text"),
        ("me/mine", "me/mine"),
        ("ME/Mine:LATEST", "me/mine"),
        ("registry.ollama.ai/me/mine:latest", "me/mine"),
        ("Me/mine:V2", "me/mine:v2"),
        ("me/mine:v3", "me/mine:v3"),
    ],
)
def test_a_name_is_meant_as_lists_have_it(typed: str, meant: str) -> None:
    names = ("Coder", "small", "SMALL", "QWEN3.6", "phi-3", "me/mine", "me/mine:v2")
    settings = Settings(models={name: ModelSettings(model="phi-2") for name in names})
    assert spelled(typed, settings) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("claude-3-5-haiku-latest", "claude-*haiku*"),
        ("Claude-3-Haiku:latest", "claude-*haiku*"),
        ("claude-opus-4", "claude-*"),
        ("claude-mine", "claude-mine"),
        ("gpt-4o", "gpt-4o"),
        ("phi-2", "phi-2"),
        ("openai:claude-x", "openai:claude-x"),
        ("claude-x/y", "claude-x/y"),
    ],
)
def test_an_own_name_may_mean_all_that_are_called_alike(typed: str, meant: str) -> None:
    names = ("claude-*", "claude-*haiku*", "claude-mine", "phi-*")
    assert spelled(typed, Settings(models={name: ModelSettings(model="small") for name in names})) == meant


def test_what_is_found_has_the_name_of_the_lists_and_its_settings(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(gguf({"general.architecture": "llama"}, [("a.weight", 0, 0)]))
    own = {"Coder": ModelSettings(path=str(file), keep_alive=9.0, slots=3), "c": ModelSettings(model="CODER")}
    settings = Settings(models=own, model_cache_dir=str(tmp_path / "none"))
    assert find("NOMIC-embed-text:latest", settings).name == "nomic-embed-text"
    assert find("QWEN3:8B", settings).name == "qwen3:8b"
    load = resolve("coder:latest?context=99", settings)
    assert (load.model, load.slots, load.path) == ("Coder?context=99", 3, str(file))
    assert keep_alive("coder", settings) == 9.0
    assert resolve("c", settings).path == str(file)
