"""A server in a process group of its own that says where it listens."""

import contextlib
import os
import re
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple


class Running(NamedTuple):
    """`said` is where it listens, in its own words; `pid` leads its process group."""

    said: str
    pid: int


@contextlib.contextmanager
def serving(
    command: Sequence[str], environment: Mapping[str, str], listening: str, seconds: float = 60.0
) -> Iterator[Running]:
    """Start `command`, give the first group of the pattern `listening` in its output, end its whole group."""
    process = subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    listener = threading.Thread(target=_listen, args=(process,), daemon=True)
    try:
        said = _said(process, listening, time.monotonic() + seconds)
        listener.start()
        yield Running(said, process.pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # a server killed alone leaves its runners behind
        process.wait(10)
        if listener.ident is not None:
            listener.join(10)
        assert process.stdout is not None
        process.stdout.close()


def _listen(process: "subprocess.Popen[bytes]") -> None:
    """What it says from now on is nobody's, but a full pipe would stop it."""
    assert process.stdout is not None
    while process.stdout.read(65536):
        pass


def _said(process: "subprocess.Popen[bytes]", pattern: str, until: float) -> str:
    assert process.stdout is not None
    output, number = b"", process.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(number, selectors.EVENT_READ)
        while time.monotonic() < until:
            if not selector.select(0.2):
                continue
            data = os.read(number, 65536)
            output += data
            found = re.search(pattern, output.decode(errors="replace"))
            if found:
                return found[1]
            if not data:
                break
    raise AssertionError(f"{process.args!r} does not serve:\n{output.decode(errors='replace')[-2000:]}")
