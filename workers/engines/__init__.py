"""Engines: how a worker computes an answer. Each is one module, imported only when asked for."""

import importlib

from ai_pal.errors import Code, fail
from workers.engines.base import Engine

ENGINES = {
    "echo": ("workers.engines.echo", "Echo"),
    "llamacpp": ("workers.engines.llamacpp", "LlamaCpp"),
    "transformers": ("workers.engines.transformers.engine", "Transformers"),
}


def prepare(name: str) -> None:
    """Import what takes long, before it is known which model will be loaded. Raises `AiPalError`."""
    create(name)
    getattr(importlib.import_module(ENGINES[name][0]), "import_libraries", lambda: None)()


def create(name: str) -> Engine:
    """A new engine, not loaded yet. Raises `AiPalError` (`engine_missing`)."""
    if name not in ENGINES:
        fail(Code.ENGINE_MISSING, f"there is no engine named {name!r}", f"use one of: {', '.join(ENGINES)}")
    module, attribute = ENGINES[name]
    engine: Engine = getattr(importlib.import_module(module), attribute)()
    return engine
