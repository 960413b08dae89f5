"""Models of a real Ollama's store and of LM Studio's folder: used where they lie, left as they are."""

import json
from pathlib import Path

import pytest

from tests.process.command import ai_pal
from tests.process.homes import Environ
from tests.servers.ollama import MODEL, Ollama, installed


@pytest.fixture
def beside_ollama(home: Environ, ollama_server: Ollama) -> Environ:
    """A home whose user has that Ollama's models on the disk, while its server need not be asked."""
    folder = installed()
    assert folder is not None
    return home | {"OLLAMA_MODELS": str(folder / "models"), "OLLAMA_HOST": "127.0.0.1:1"}


def test_a_model_of_ollamas_store_answers_and_is_never_changed(beside_ollama: Environ) -> None:
    rows = json.loads(ai_pal(beside_ollama, "list", "--json").stdout)
    row = next(row for row in rows if row["name"] == f"{MODEL}:latest")
    assert (row["state"], row["source"]) == ("here", "Ollama")
    before = Path(row["path"]).stat()
    question = ["chat", "-m", f"{MODEL}:latest", "--json", "--max-tokens", "8", "Say hello."]
    answered = ai_pal(beside_ollama, *question)
    assert answered.returncode == 0, answered.stderr
    answer = json.loads(answered.stdout)
    assert answer["text"].strip()
    assert (answer["model"], answer["provider"]) == (f"{MODEL}:latest", "local")
    refused = ai_pal(beside_ollama, "rm", f"{MODEL}:latest")
    assert refused.returncode != 0
    assert f"remove it there: ollama rm {MODEL}:latest" in refused.stderr
    after = Path(row["path"]).stat()
    assert (after.st_mtime_ns, after.st_size) == (before.st_mtime_ns, before.st_size)


def test_a_model_of_lm_studios_answers(home: Environ, starter_model: Path) -> None:
    folder = Path(home["HOME"]) / ".lmstudio/models/somebody/SmolLM2-GGUF"
    folder.mkdir(parents=True)
    (folder / "SmolLM2-Q4_1.gguf").symlink_to(starter_model)
    question = ["chat", "-m", "somebody/SmolLM2-GGUF:Q4_1", "--json", "--max-tokens", "8", "Say hello."]
    answered = ai_pal(home, *question)
    assert answered.returncode == 0, answered.stderr
    assert json.loads(answered.stdout)["text"].strip()
