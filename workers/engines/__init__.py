"""Engines: how a worker computes an answer. Each is a package, imported only when asked for; what several of
them share lies beside these."""

import importlib

from ai_pal.errors import Code, fail
from workers.engines.base import Engine

ENGINES = {
    "echo": ("workers.engines.echo.engine", "Echo"),
    "llamacpp": ("workers.engines.llamacpp.engine", "LlamaCpp"),
    "transformers": ("workers.engines.transformers.engine", "Transformers"),
    "vllm": ("workers.engines.vllm.engine", "Vllm"),
}
VOCABULARIES = {
    "llamacpp": ("workers.engines.llamacpp.vocabulary", "Vocabulary"),
    "transformers": ("workers.engines.transformers.vocabulary", "Vocabulary"),
}
"""What counts tokens without weights. The other engines have none."""


def prepare(name: str) -> None:
    """Import what takes long, before it is known which model will be loaded. Raises `AiPalError`."""
    create(name)
    getattr(importlib.import_module(ENGINES[name][0]), "import_libraries", lambda: None)()


def create(name: str, *, vocabulary: bool = False) -> Engine:
    """A new engine, not loaded yet, or what of it counts tokens. Raises `AiPalError` (`engine_missing`)."""
    if name not in ENGINES:
        fail(Code.ENGINE_MISSING, f"there is no engine named {name!r}", f"use one of: {', '.join(ENGINES)}")
    module, attribute = VOCABULARIES.get(name, ENGINES[name]) if vocabulary else ENGINES[name]
    engine: Engine = getattr(importlib.import_module(module), attribute)()
    return engine
