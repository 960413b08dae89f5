"""Whatever the home folder is, every command works or says in one line what is wrong; never a traceback."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ai_pal.cli import COMMANDS

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody without an entry in passwd"),
    pytest.mark.skipif(shutil.which("setpriv") is None, reason="util-linux is not here"),
]

STRANGER = 12345
AS_A_STRANGER = [
    *("setpriv", "--reuid", str(STRANGER), "--regid", str(STRANGER), "--clear-groups"),
    # This Python may lie where only root reads.
    *(
        "--inh-caps",
        "+dac_read_search",
        "--ambient-caps",
        "+dac_read_search",
        "--bounding-set",
        "-dac_override",
    ),
]
WITHIN = 100.0

LINES = {
    "chat": ["chat", "-m", "echo", "one two"],
    "run": ["run", "echo", "one two"],
    "generate": ["generate", "-m", "echo", "one two"],
    "embed": ["embed", "-m", "echo", "one two"],
    "rerank": ["rerank", "-m", "echo", "one", "one two"],
    "count": ["count", "-m", "echo", "one two"],
    "preset": ["preset", "list"],
    "add": ["add", "~/no-such.gguf"],
    "alias": ["alias", "list"],
    "help": ["help", "chat"],
    "route": ["route", "-m", "echo", "one two"],
    "history": ["history", "list"],
    "usage": ["usage"],
    "keys": ["keys", "list"],
    "consent": ["consent"],
    "supervise": ["supervise"],
    "serve": ["serve", "--port", "0"],
    "launch": ["launch"],
    "machines": ["machines", "list"],
    "cluster": ["cluster", "status"],
    "status": ["status"],
    "ps": ["ps"],
    "top": ["top", "--once"],
    "bench": ["bench", "echo", "--repeat", "1", "--prompt", "8", "--answer", "8"],
    "load": ["load", "echo"],
    "unload": ["unload", "echo"],
    "calibrate": ["calibrate", "echo"],
    "stop": ["stop", "--wait"],
    "list": ["list"],
    "show": ["show", "smollm2"],
    "search": ["search", "qwen"],
    "pull": ["pull", "org/name@main"],
    "update": ["update"],
    "rm": ["rm", "~/no-such.gguf"],
    "logs": ["logs"],
    "doctor": ["doctor", "--offline"],
    "config": ["config", "show"],
    "completion": ["completion", "bash"],
}

DRIVER = """
import contextlib, io, json, sys, traceback
from ai_pal.__main__ import main
for line in json.loads(sys.argv[1]):
    out, err = (io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(line)
        except SystemExit as error:
            code = error.code
        except BaseException:
            code = traceback.format_exc()
    print(json.dumps([code, *(stream.buffer.getvalue().decode() for stream in (out, err))]), flush=True)
"""


Variables = Callable[[Path], dict[str, str]]
"""The variables of one kind of home, which is made in this folder."""


class Said(NamedTuple):
    """What a command said; `code` is a traceback where it had one."""

    code: int | str
    out: str
    err: str


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of the stranger."""
    made = Path(tempfile.mkdtemp(prefix="ai-pal-homes-", dir="/tmp"))
    os.chown(made, STRANGER, STRANGER)
    yield made
    shutil.rmtree(made)


def say(folder: Path, lines: list[list[str]], **variables: str) -> list[Said]:
    """Run the command lines in one process of the stranger, in `folder`."""
    environ = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **variables}
    command = [*AS_A_STRANGER, sys.executable, "-P", "-c", DRIVER, json.dumps(lines)]
    done = subprocess.run(
        command, env=environ, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=WITHIN, check=False,
    )  # fmt: skip
    said = [Said(*json.loads(line)) for line in done.stdout.splitlines() if line.startswith("[")]
    assert len(said) == len(lines), done.stderr
    return said


def unwritable(folder: Path) -> Path:
    folder.mkdir(mode=0o555)
    return folder


def a_file(folder: Path) -> Path:
    folder.write_text("precious")
    return folder


BAD: dict[str, Variables] = {
    "nothing set": lambda folder: {},
    "HOME not writable": lambda folder: {"HOME": str(unwritable(folder / "h"))},
    "HOME a file": lambda folder: {"HOME": str(a_file(folder / "h"))},
    "HOME of root": lambda folder: {"HOME": "/"},
    "HOME not there": lambda folder: {"HOME": "/nonexistent"},
    "AI_PAL_HOME not writable": lambda folder: {"AI_PAL_HOME": str(unwritable(folder / "h"))},
    "AI_PAL_HOME a file": lambda folder: {"AI_PAL_HOME": str(a_file(folder / "h"))},
    "AI_PAL_HOME in a home that is none": lambda folder: {"AI_PAL_HOME": "~/h"},
}
NEEDS_A_HOME = ("chat", "run", "generate", "embed", "rerank", "count", "route", "supervise", "load", "bench")

GOOD: dict[str, Variables] = {
    "AI_PAL_HOME alone": lambda folder: {"AI_PAL_HOME": str(folder / "h")},
    "AI_PAL_HOME relative": lambda folder: {"AI_PAL_HOME": "h"},
    "AI_PAL_HOME beside a HOME of root": lambda folder: {"AI_PAL_HOME": str(folder / "h"), "HOME": "/"},
    "AI_PAL_HOME beside a HOME that is a file": lambda folder: {
        "AI_PAL_HOME": str(folder / "h"), "HOME": str(a_file(folder / "f")),
    },
    "HOME relative": lambda folder: {"HOME": "."},
    "HOME empty": lambda folder: {"HOME": "", "AI_PAL_HOME": str(folder / "h")},
}  # fmt: skip


def test_every_command_is_tried() -> None:
    assert set(COMMANDS) <= set(LINES)


@pytest.mark.parametrize("kind", BAD)
def test_without_a_home_that_can_be_used_one_line_says_so(folder: Path, kind: str) -> None:
    variables = BAD[kind](folder)
    for name, said in zip(LINES, say(folder, list(LINES.values()), **variables), strict=True):
        assert isinstance(said.code, int), f"{name}: {said.code}"
        assert "Traceback" not in said.err
        if name in NEEDS_A_HOME:
            assert said.code != 0, name
            error, hint = said.err.strip().splitlines()[-2:]
            assert error.startswith("error: "), said.err
            assert hint.startswith("hint: "), said.err
            assert "AI_PAL_HOME" in said.err or "absolute path" in said.err, said.err
    assert not list(folder.glob("~*"))
    assert [path for path in (folder / "h",) if path.is_file()] == [] or (
        folder / "h"
    ).read_text() == "precious"


@pytest.mark.parametrize("kind", GOOD)
def test_a_home_that_can_be_used_is_enough(folder: Path, kind: str) -> None:
    variables = GOOD[kind](folder)
    names = [
        name
        for name in LINES
        if name not in ("supervise", "serve", "stop", "search", "pull", "rm", "logs", "add")
    ]
    try:
        told = dict(zip(names, say(folder, [LINES[name] for name in names], **variables), strict=True))
    finally:
        stopped = say(folder, [LINES["stop"]], **variables)
    for name, said in told.items():
        assert said.code == 0 or name == "doctor", (name, said)
        assert "Traceback" not in said.err
    assert told["chat"].out.strip() == "one two"
    assert stopped[0].code == 0
    assert not list(folder.glob("~*"))
