"""`ai-pal` as people call it: a command of its own, and what it said until it ended."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from io import BytesIO, TextIOWrapper
from pathlib import Path

from tests.nursery import COMMANDS, SUPERVISORS, nursery, with_nurseries
from tests.process.homes import Environ

SECONDS = 240.0
"""This only ends what hangs."""


def ai_pal(
    environ: Environ,
    *words: str,
    stdin: str = "",
    cwd: Path | None = None,
    before: Callable[[], None] | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run it without a terminal, and wait for it. It comes from a nursery, and so does the supervisor that it
    starts; with `before`, which is called in its process, it is started by Python."""
    if before is None:
        done = ai_pal_bytes(environ, *words, stdin=stdin.encode(), cwd=cwd)
        said = _text(done.stdout), _text(done.stderr)
        return subprocess.CompletedProcess(done.args, done.returncode, *said)
    command = [sys.executable, "-P", "-m", "ai_pal", *words]
    return subprocess.run(
        command, env=environ, input=stdin, cwd=cwd, preexec_fn=before, capture_output=True, text=True,
        timeout=SECONDS, check=False,
    )  # fmt: skip


def ai_pal_bytes(
    environ: Environ, *words: str, stdin: bytes = b"", cwd: Path | None = None
) -> "subprocess.CompletedProcess[bytes]":
    """The same, and what it said to the byte."""
    with ExitStack() as files:
        given, out, err = (
            files.enter_context(open(os.memfd_create(name), "r+b")) for name in ("in", "out", "err")
        )
        given.write(stdin)
        given.seek(0)
        streams = {number: file.fileno() for number, file in enumerate((given, out, err))}
        environ = with_nurseries(environ, SUPERVISORS, "llamacpp")
        process = nursery(COMMANDS).fork([*words], cwd or Path.cwd(), streams, environ)
        try:
            code = process.wait(SECONDS)
        finally:
            process.kill()
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess([*words], code, out.read(), err.read())


def _text(data: bytes) -> str:
    """As `subprocess` reads it."""
    return TextIOWrapper(BytesIO(data), encoding="utf-8").read()
