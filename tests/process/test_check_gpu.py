"""`scripts/check_gpu` on a machine without a GPU."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ai_pal.memory.cards_here import NODES
from tests.process.eventually import allowed

SCRIPT = Path(__file__).parents[2] / "scripts" / "check_gpu"


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    environ = os.environ | {"PYTHON": sys.executable}
    return subprocess.run(
        [SCRIPT, *arguments], env=environ, capture_output=True, text=True, timeout=allowed(60.0), check=False
    )


@pytest.mark.skipif(any(Path(node).exists() for node in NODES), reason="there is a GPU")
def test_without_a_gpu_it_says_so_and_what_can_be_done() -> None:
    done = run()
    assert done.returncode == 2
    assert "no GPU to check" in done.stderr
    assert "--cpu" in done.stderr
    assert done.stdout == ""


def test_its_steps_fit_in_six_minutes() -> None:
    done = run("--list")
    assert done.returncode == 0, done.stderr
    seconds = [int(line.split()[1]) for line in done.stdout.splitlines()]
    assert len(seconds) >= 4
    assert sum(seconds) < 360
