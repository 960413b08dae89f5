"""The text of a PDF, read by a process of its own with bounds on its memory and time: what hostile files make
of a reader ends there."""

import os
import signal
import subprocess
import sys
import threading
from contextvars import ContextVar

import msgspec

from ai_pal.attachments.waiting import Wait, wait_for
from ai_pal.errors import AiPalError, Code, Failure, pip_install

CPU_SECONDS = 120
WALL_SECONDS = 300.0
MEMORY = 1 << 30
MOST_PAGES = 2000

LOOK_SECONDS = 0.2
"""Between two looks whether it is still wanted."""

called_off: ContextVar[threading.Event | None] = ContextVar("called_off", default=None)
"""Once this is set, nobody wants the text any more: its reader is ended."""

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "LD_LIBRARY_PATH")
"""Of the environment: a reader of foreign files has no use for keys."""


class Pages(msgspec.Struct, frozen=True):
    """What the reader has found: `text` of so many pages, or what is wrong and what to do about it."""

    text: str = ""
    pages: int = 0
    problem: str = ""
    hint: str = ""


def pages_of(data: bytes, name: str) -> Pages:
    """The text of a PDF. Raises `AiPalError` (`bad_request`) where there is none to be had, and `WaitsError`
    where it may not be waited for."""
    wait_for(Wait.PROCESS)
    command = [sys.executable, "-P", "-m", "ai_pal.attachments.pdf_reader"]
    environ = {key: os.environ[key] for key in _KEPT if key in os.environ}
    try:
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ
        ) as reader:
            said = _said(reader, data, name)
    except OSError as error:
        raise _refusal(name, f"cannot be read: {error.strerror}", "try again") from None
    if reader.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        message = f"takes more than {CPU_SECONDS} s to read"
        raise _refusal(name, message, "attach the part that matters, or its text")
    try:
        found = msgspec.json.decode(said, type=Pages)
    except msgspec.DecodeError:
        message = f"is damaged: its reader ended with {reader.returncode}"
        raise _refusal(name, message, "open it elsewhere and save it anew") from None
    if found.problem:
        raise _refusal(name, found.problem, found.hint)
    return found


def _said(reader: "subprocess.Popen[bytes]", data: bytes, name: str) -> bytes:
    """All that it says. Raises `AiPalError`: it takes too long, or nobody waits for it any more."""
    unwanted, over = called_off.get(), threading.Event()

    def end_unwanted() -> None:
        while unwanted is not None and not over.is_set():
            if unwanted.wait(LOOK_SECONDS):
                reader.kill()
                return

    if unwanted is not None:
        threading.Thread(target=end_unwanted, daemon=True).start()
    try:
        said = reader.communicate(data, timeout=WALL_SECONDS)[0]
    except subprocess.TimeoutExpired:
        reader.kill()
        raise _refusal(name, "takes too long to read", "attach the part that matters") from None
    finally:
        over.set()
    if unwanted is not None and unwanted.is_set():
        raise _refusal(name, "is not wanted any more", "attach it again")
    return said


def missing() -> Pages:
    """Where the library is not installed."""
    return Pages(problem="cannot be read: pypdf is not installed", hint=pip_install("pypdf"))


def _refusal(name: str, problem: str, hint: str) -> AiPalError:
    return AiPalError(Failure(Code.BAD_REQUEST, f"{name} {problem}", hint))
