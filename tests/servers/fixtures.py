"""The servers as fixtures, each started once and only when a test asks for it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.llama_cpp import llama_cpp
from tests.servers.ollama import Ollama, installed, ollama


@pytest.fixture(scope="session")
def ollama_server(starter_model: Path) -> Iterator[Ollama]:
    """A real Ollama that has `smollm2`."""
    folder = installed()
    if folder is None:
        if os.environ.get("CI"):
            pytest.fail("the Ollama server for tests is not here: scripts/fetch_ollama")
        pytest.skip("the Ollama server for tests is not here: scripts/fetch_ollama")
    with ollama(folder, starter_model) as running:
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
