"""A supervisor with Ollama and clouds to ask, and questions to each of its tiers."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ai_pal.client import Client
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from scripts.benchmarks.supervisors import Supervisor, supervisor

NOBODY = "http://127.0.0.1:9"
"""Where connections are refused."""

Tables = dict[str, dict[str, object]]


@contextmanager
def with_tiers(tables: Tables, **settings: str) -> Iterator[Supervisor]:
    """A supervisor with these tables in its config file; its settings are `AI_PAL_*` variables."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:  # owner-only
        for name, fields in tables.items():
            lines = [f"[{name}]", *(f"{field} = {json.dumps(value)}" for field, value in fields.items())]
            file.write("\n".join(lines) + "\n")
        file.flush()
        with supervisor(config=file.name, **settings) as running:
            yield running


def clouds(url: str) -> Tables:
    """All four providers at one address."""
    return {
        "local": {"model": "echo"},
        "ollama": {"base_url": url, "model": "m"},
        "providers.openai": {"base_url": f"{url}/v1", "mid": "m", "strong": "m"},
        "providers.anthropic": {"base_url": url, "mid": "m", "strong": "m"},
        "providers.cohere": {"base_url": url, "mid": "m", "strong": "m"},
    }


MODELS = ("echo", "ollama:m", "openai:m", "anthropic:m", "cohere:m")
"""One of each tier that `clouds` has."""


def first_text(
    client: Client,
    model: str,
    messages: list[Message],
    options: GenerationOptions | None = None,
    goal: wire.Goal = "",
) -> float:
    """Seconds until the first text. Raises `RuntimeError` where there is none."""
    asked = time.perf_counter()
    stream = client.chat(messages, model=model, options=options or GenerationOptions(), goal=goal)
    try:
        for event in stream:
            if isinstance(event, wire.Delta):
                return time.perf_counter() - asked
        raise RuntimeError(event)
    finally:
        stream.close()
