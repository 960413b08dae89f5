"""The SDKs of Node against the gateway, and their readers of streams against its writers: what each script
checks, and what came of it."""

import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ai_pal.gateway.anthropic.answer import MessageStream
from ai_pal.gateway.asking.asked import Tells
from ai_pal.gateway.ollama.answers import Lines
from ai_pal.gateway.openai.chat_answer import ChatStream
from ai_pal.gateway.openai.responses.answer import ResponseStream, Wishes
from tests.said import said, written

SCRIPTS = Path(__file__).parent / "node"
SECONDS = 300.0
ORDERS = 40
"""Of events, each told to each reader."""


@pytest.fixture(scope="session")
def packages() -> Path:
    """Where `scripts/setup --dev` has put them."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = cache / "ai-pal-tests" / "node"
    there = shutil.which("node") and (found / "node_modules").is_dir()
    if not there and not os.environ.get("CI"):
        pytest.skip("no Node with its SDKs: scripts/fetch_node_sdks")
    assert there, "scripts/fetch_node_sdks brings them"
    return found


@pytest.mark.parametrize("sdk", ["openai", "anthropic", "ollama", "vercel"])
def test_all_that_a_script_checks_holds(sdk: str, gateway: str, packages: Path, tmp_path: Path) -> None:
    holds(sdk, packages, tmp_path, {"GATEWAY": gateway})


def test_readers_of_streams_take_the_events_of_an_answer_in_any_order(packages: Path, tmp_path: Path) -> None:
    cases = tmp_path / "cases.json"
    cases.write_bytes(msgspec.json.encode([case(number) for number in range(ORDERS)]))
    holds("readers", packages, tmp_path, {"CASES": str(cases)})


def case(number: int) -> dict[str, Any]:
    """One answer, as each protocol writes it."""
    one = said(random.Random(number))
    writers: dict[str, Tells] = {
        "chat": ChatStream("chatcmpl-1", "small", 0, include_usage=True),
        "responses": ResponseStream("resp_1", "small", {}, Wishes(), lambda *_: None),
        "anthropic": MessageStream("msg_1", "small"),
        "ollama": Lines("chat", "small", 0.0),
    }
    bodies = {name: written(writer, one.batches).decode() for name, writer in writers.items()}
    told = {"name": f"order {number}", "text": one.text, "thoughts": one.thoughts, "calls": one.calls}
    return {**told, "cut": one.cut, "failed": one.failed, "bodies": bodies}


def holds(script: str, packages: Path, tmp_path: Path, told: dict[str, str]) -> None:
    for each in SCRIPTS.glob("*.mjs"):
        shutil.copy(each, tmp_path)
    (tmp_path / "node_modules").symlink_to(packages / "node_modules")
    done = subprocess.run(
        ["node", f"{script}.mjs"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **told},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found, done.stderr
    assert {one["check"]: one["why"] for one in found if one["why"]} == {}
