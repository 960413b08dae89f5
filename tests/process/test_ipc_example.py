"""scripts/ipc_client.py, the worked example."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.process.homes import environment
from tests.process.supervised import Supervised

SCRIPT = Path(__file__).parents[2] / "scripts" / "ipc_client.py"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["hello", "script"], [b"hello script ", b"(2 tokens"]),
        (["--async", "one", "two"], [b"one -> one ", b"two -> two "]),
    ],
)
def test_the_example_script_works(
    daemon: Supervised, ai_pal_home: Path, arguments: list[str], expected: list[bytes]
) -> None:
    command = [sys.executable, str(SCRIPT), *arguments]
    done = subprocess.run(command, env=environment(ai_pal_home), capture_output=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    assert all(line in done.stdout for line in expected)


def test_the_example_script_has_help() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--help"], capture_output=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"--async" in done.stdout
