"""The text of a PDF, read by a process of its own with bounds on its memory and time: what hostile files make
of a reader ends there."""

import os
import signal
import subprocess
import sys

import msgspec

from ai_pal.errors import AiPalError, Code, Failure, pip_install

CPU_SECONDS = 120
WALL_SECONDS = 300.0
MEMORY = 1 << 30
MOST_PAGES = 2000

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "LD_LIBRARY_PATH")
"""Of the environment: a reader of foreign files has no use for keys."""


class Pages(msgspec.Struct, frozen=True):
    """What the reader has found: `text` of so many pages, or what is wrong and what to do about it."""

    text: str = ""
    pages: int = 0
    problem: str = ""
    hint: str = ""


def pages_of(data: bytes, name: str) -> Pages:
    """The text of a PDF. Raises `AiPalError` (`bad_request`) where there is none to be had."""
    command = [sys.executable, "-P", "-m", "ai_pal.attachments.pdf_reader"]
    environ = {key: os.environ[key] for key in _KEPT if key in os.environ}
    try:
        done = subprocess.run(
            command,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environ,
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _refusal(name, "takes too long to read", "attach the part that matters") from None
    except OSError as error:
        raise _refusal(name, f"cannot be read: {error.strerror}", "try again") from None
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        message = f"takes more than {CPU_SECONDS} s to read"
        raise _refusal(name, message, "attach the part that matters, or its text")
    try:
        found = msgspec.json.decode(done.stdout, type=Pages)
    except msgspec.DecodeError:
        message = f"is damaged: its reader ended with {done.returncode}"
        raise _refusal(name, message, "open it elsewhere and save it anew") from None
    if found.problem:
        raise _refusal(name, found.problem, found.hint)
    return found


def missing() -> Pages:
    """Where the library is not installed."""
    return Pages(problem="cannot be read: pypdf is not installed", hint=pip_install("pypdf"))


def _refusal(name: str, problem: str, hint: str) -> AiPalError:
    return AiPalError(Failure(Code.BAD_REQUEST, f"{name} {problem}", hint))
