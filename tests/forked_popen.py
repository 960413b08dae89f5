"""`subprocess.Popen` in a process of a nursery: what it starts of AI-PAL comes from the nurseries that its
environment names, at once; anything else Python starts."""

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from tests.nursery import NURSERIES, SUPERVISORS, Forked, nursery

KNOWN = frozenset(
    ("stdin", "stdout", "stderr", "cwd", "env", "pass_fds", "process_group", "start_new_session", "text")
)
"""What can be asked of a nursery."""

_Popen = subprocess.Popen


class Child:
    """A process of a nursery, as what has started it sees it."""

    def __init__(self, process: Forked, stdout: "IO[Any] | None") -> None:
        self._process, self.stdout, self.stderr, self.stdin = process, stdout, None, None
        self.pid = process.pid
        self.poll, self.wait, self.kill = process.poll, process.wait, process.kill
        self.terminate, self.send_signal = process.terminate, process.send_signal

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    def communicate(self) -> tuple[Any, None]:
        """What it says until it ends."""
        said = self.stdout.read() if self.stdout else None
        self.wait()
        return said, None


class ForkedPopen(_Popen[Any]):
    """Called as `Popen` is; what comes of it may be a `Child`."""

    def __new__(cls, command: Any, *args: Any, **how: Any) -> Any:
        kind = None if args or not how.keys() <= KNOWN else kind_of(command)
        return _Popen(command, *args, **how) if kind is None else fork(kind, command, **how)


def install() -> None:
    """From now on, in all that this process is going to be."""
    subprocess.Popen = ForkedPopen  # type: ignore[misc, assignment]


def kind_of(command: Any) -> str | None:
    """The nursery that has such a program, of those that are named."""
    if not isinstance(command, list) or command[:3] != [sys.executable, "-P", "-m"]:
        return None
    named = os.environ.get(NURSERIES, "").split()
    match command[3:]:
        case ["workers", *_]:
            return next((kind for kind in named if kind != SUPERVISORS), None)
        case ["ai_pal", "supervise", *_] if SUPERVISORS in named:
            return SUPERVISORS
    return None


def _number(place: "IO[Any] | int") -> int:
    return place if isinstance(place, int) else place.fileno()


def fork(kind: str, command: Sequence[str], *, text: bool = False, **how: Any) -> Child:
    """Ask for it."""
    detached = how.get("start_new_session", False)
    with ExitStack() as opened:
        nothing = opened.enter_context(Path(os.devnull).open("r+b", 0)).fileno()
        read = write = -1
        if subprocess.PIPE in (how.get("stdout"), how.get("stderr")):
            read, write = os.pipe()
            opened.callback(os.close, write)
        here = {subprocess.DEVNULL: nothing, subprocess.PIPE: write}
        streams = {}
        for number, name in enumerate(("stdin", "stdout", "stderr")):
            place = number if (wanted := how.get(name)) is None else wanted
            streams[number] = here[place] if place in here else _number(place)
        streams |= {number: streams[1] for number in (2,) if how.get("stderr") == subprocess.STDOUT}
        streams |= {number: number for number in how.get("pass_fds", ())}
        process = nursery(kind).fork(
            list(command[4:]), Path(how.get("cwd") or Path.cwd()), streams, how.get("env") or os.environ,
            command=command, group=how.get("process_group") == 0, detached=detached,
        )  # fmt: skip
    return Child(process, None if read < 0 else os.fdopen(read, "r" if text else "rb", -1 if text else 0))
