"""What is seen of a long load by whoever pipes the answer elsewhere, and who answered."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from tests.process.homes import Environ

SECONDS = 120
SHORT, LONG = "echo?load_seconds=0.5", "echo?load_seconds=2"
"""A bar is drawn at once, a line is written after a second."""

COMMANDS = {
    "chat": ("chat", "hi"),
    "chat --json": ("chat", "--json", "hi"),
    "generate": ("generate", "hi"),
    "embed": ("embed", "hi"),
    "rerank": ("rerank", "who", "hi"),
    "count": ("count", "hi"),
}


def on_terminal(home: Environ, words: tuple[str, ...], out: Path) -> str:
    """All that the terminal gets while stdout is a pipe."""
    command = f"{shlex.join([sys.executable, '-m', 'ai_pal', *words])} | cat > {out}"
    shell = pexpect.spawn("bash", ["-c", command], env=home, timeout=SECONDS, encoding="utf-8")
    shell.expect(pexpect.EOF)
    shell.close()
    return str(shell.before)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_pipe_gets_the_answer_and_the_terminal_the_signs_of_life(
    home: Environ, tmp_path: Path, name: str
) -> None:
    seen = on_terminal(home, (*COMMANDS[name], "-m", SHORT), tmp_path / "out")
    assert "%  loading" in seen
    assert (tmp_path / "out").read_text().strip()
    if name != "chat --json":  # the object tells it
        assert f"{SHORT} · this machine" in seen


def test_a_terminal_that_cannot_draw_gets_a_line(home: Environ, tmp_path: Path) -> None:
    words = (*COMMANDS["chat"], "-m", LONG)
    seen = on_terminal(home | {"TERM": "dumb"}, words, tmp_path / "out")
    assert 1 <= seen.count("%  loading") <= 2
    assert "\x1b" not in seen


@pytest.mark.parametrize("name", ["chat", "embed", "count"])
def test_without_any_terminal_there_are_none(home: Environ, name: str) -> None:
    command = [sys.executable, "-m", "ai_pal", *COMMANDS[name], "-m", LONG]
    done = subprocess.run(command, env=home, capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "words",
    ["chat --json hi", "generate --json hi", "count --json hi", "embed --json hi", "rerank --json who hi"],
)
def test_json_names_who_answered(home: Environ, words: str) -> None:
    command = [sys.executable, "-m", "ai_pal", *words.split(), "-m", "echo"]
    done = subprocess.run(command, env=home, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"] == "echo"
