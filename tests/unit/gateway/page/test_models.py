"""Whose models the page names: those of the user's machines are told apart from others'."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ai_pal.client import AsyncClient
from ai_pal.gateway.page import models
from ai_pal.store.machine_models import keep_models

CONFIG = """[machines.box]
ssh = "me@box"
host_key = "ssh-ed25519 AAAA"
identity = "00000000000000000000000000000000"
model = "qwen3"

[providers.cloudy]
api = "openai"
base_url = "http://127.0.0.1:9/v1"
mid = "m"
strong = "m"
"""


class Router:
    """Knows whom it would ask."""

    def __init__(self, *may: str) -> None:
        self._may = may

    async def route(self, prompt: str, model: str) -> Any:
        found = SimpleNamespace(position=int(model in self._may))
        return SimpleNamespace(candidates=[found])


def test_models_of_machines_are_told_apart_and_who_may_not_be_asked_is_not_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    monkeypatch.setenv("AI_PAL_HOME", str(tmp_path))
    monkeypatch.setenv("AI_PAL_CONFIG", str(file))
    keep_models("box", "0" * 32, ["echo", "qwen3", "refused"])
    router = cast("AsyncClient", Router("box:qwen3", "box:echo", "cloudy:m"))
    found = asyncio.run(models.elsewhere(router))
    assert found == {"mine": ["box:qwen3", "box:echo"], "elsewhere": ["cloudy:m"]}
