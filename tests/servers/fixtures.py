"""What tests need beside this repository, as fixtures: servers, started once and only when asked for, and
models. What is missing is skipped, and fails in CI."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.servers.llama_cpp import llama_cpp
from tests.servers.ollama import Ollama, installed, ollama

SENTENCES = Path.home() / ".ai-pal" / "test-models" / "all-minilm-l6-v2"


def _missing(what: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def sentence_model() -> Path:
    """The folder of a real model that turns texts into vectors, as sentence-transformers saves it."""
    if not SENTENCES.is_dir():
        _missing("the sentence model is not here: scripts/setup --dev brings it")
    return SENTENCES


@pytest.fixture(scope="session")
def ollama_folder() -> Path:
    """Where a real Ollama is installed."""
    folder = installed()
    if folder is None:
        _missing("the Ollama server for tests is not here: scripts/fetch_ollama")
    return folder


@pytest.fixture(scope="session")
def ollama_server(ollama_folder: Path, starter_model: Path) -> Iterator[Ollama]:
    """A real Ollama that has `smollm2`."""
    with ollama(ollama_folder, starter_model) as running:
        yield running


@pytest.fixture(scope="session")
def ollama_url(ollama_server: Ollama) -> str:
    """Where it is."""
    return ollama_server.url


@pytest.fixture(scope="session")
def llama_cpp_url(starter_model: Path) -> Iterator[str]:
    """A real llama.cpp server that wants `tests.servers.llama_cpp.KEY`."""
    with llama_cpp(starter_model) as url:
        yield url
