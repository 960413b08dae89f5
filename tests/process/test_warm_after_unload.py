"""A kept conversation goes on after its model was unloaded, and is not read anew: the real commands, the
starter model."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.process.eventually import files_below
from tests.process.supervised import Supervised

pytestmark = pytest.mark.real_model

STORY = " ".join(f"In year {year} the lighthouse keeper wrote {year * 7} letters." for year in range(12))
SECONDS = 240
Supervise = Callable[..., Supervised]


@pytest.fixture
def running(supervise: Supervise, starter_model: Path) -> Supervised:
    return supervise(model="smollm2", model_cache_dir=starter_model.parent.parent, context=1024)


def run(running: Supervised, *args: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ai_pal", *args],
        env=running.environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done
    return done.stdout


def chat(running: Supervised, *args: str) -> dict[str, int]:
    """The usage of one answer."""
    said: dict[str, Any] = json.loads(run(running, "chat", "--json", "--max-tokens", "8", *args))
    usage: dict[str, int] = said["usage"]
    return usage


def kept(running: Supervised) -> list[Path]:
    return files_below(Path(running.environ["HOME"]) / "prefixes")


def test_the_next_turn_is_warm_and_what_was_read_goes_with_the_conversation(running: Supervised) -> None:
    first = chat(running, STORY)
    run(running, "unload", "--all")
    assert sorted(path.suffix for path in kept(running)) == [".about", ".state"]
    second = chat(running, "--continue", "And then?")
    assert second["cached_tokens"] >= first["prompt_tokens"]
    assert second["prompt_tokens"] - second["cached_tokens"] < 40
    run(running, "history", "delete", "--all", "--yes")
    assert kept(running) == []
    run(running, "unload", "--all")
    assert kept(running) == []


def test_without_a_history_nothing_is_saved(running: Supervised) -> None:
    chat(running, "--no-history", STORY)
    run(running, "unload", "--all")
    assert kept(running) == []
