"""Ctrl-C while a command imports what it needs: exit code 130 and not a word, wherever it comes."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.homes import Environ, environment
from tests.process.supervised import Supervised

SECONDS = 120
COMMANDS = (
    ["count", "hi"],
    ["chat", "hi"],
    ["embed", "hi"],
    ["list"],
    ["history", "list"],
    ["doctor"],
    ["ps"],
)
PLACES = {
    "a module is looked for": ("find_spec", 25),
    "a class is made": ("__set_name__", 3),
    "a lock of the imports is let go": ("cb", 25),
}
"""The function that runs then, and which of its calls it is. Unless an import is left alone, the second is
another error, and the third is lost."""
INTERRUPTED = """
import os, signal, sys
name, left, *arguments = sys.argv[1:]
left = int(left)

def watch(frame, event, argument):
    global left
    if event == "call" and frame.f_code.co_name == name:
        left -= 1
        if left == 0:
            sys.setprofile(None)
            os.kill(os.getpid(), signal.SIGINT)

from ai_pal.__main__ import main
sys.setprofile(watch)
code = main(arguments)
sys.setprofile(None)
assert left <= 0, f"{name} was not called so often: {left} are left"
sys.exit(code)
"""


@pytest.fixture(scope="module")
def served() -> Iterator[Environ]:
    """A home in which a supervisor runs, so that none is just being started when a test is over."""
    with (
        tempfile.TemporaryDirectory(prefix="ai-pal-test-", dir="/tmp") as home,
        Supervised(environ := environment(Path(home))),
    ):
        yield environ


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("command", COMMANDS, ids="-".join)
def test_ctrl_c_within_an_import_ends_quietly(served: Environ, command: list[str], place: str) -> None:
    name, after = PLACES[place]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, name, str(after), *command],
        env=served,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, b"")
