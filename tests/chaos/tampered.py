"""The `ai-pal` command with one thing changed: `python -m tests.chaos.tampered TAMPER ARGUMENT ...`.

`fail OPERATION:N` lets the Nth send, receive, spawn, read or write fail as the system would let it fail;
`watch FILE` writes how long the loop's callbacks took. Both say so on stderr or in the file."""

import asyncio
import errno
import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import zmq

from ai_pal.__main__ import main
from ai_pal.transport import channel

Act = Callable[..., Any]
GAP = 0.005
"""Seconds between two heartbeats of the loop that is watched."""


class Figures(msgspec.Struct):
    """CPU seconds of the longest callbacks, and the gaps between heartbeats, in seconds by the clock and
    in CPU seconds of the loop; all ascending. `frozen` objects are none of the garbage collector's work."""

    longest: list[tuple[float, str]]
    gaps: list[float]
    busy: list[float]
    frozen: int


def fail(plan: str) -> None:
    """Let one operation fail once."""
    operation, _, nth = plan.partition(":")
    target, name, error = OPERATIONS[operation]
    setattr(target, name, _failing(getattr(target, name), int(nth), error, operation))


def _failing(
    real: Callable[..., Any], nth: int, error: Callable[[], Exception], what: str
) -> Callable[..., Any]:
    seen = 0

    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal seen
        seen += not (what == "receive" and args[0].rcvmore)  # what has begun to come comes whole
        if seen == nth:
            sys.stderr.write(f"planted: {what} {nth}\n")
            sys.stderr.flush()
            raise error()
        return real(*args, **kwargs)

    return call


OPERATIONS: dict[str, tuple[Any, str, Callable[[], Exception]]] = {
    "send": (channel, "send_frames", zmq.Again),
    "receive": (zmq.Socket, "recv", zmq.Again),
    "spawn": (subprocess, "Popen", lambda: OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))),
    "write": (os, "pwrite", lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))),
    "read": (os, "read", lambda: OSError(errno.EIO, os.strerror(errno.EIO))),
}


def watch(file: str) -> None:
    """Measure each callback's CPU time and the gaps of a heartbeat; SIGUSR1 writes them and starts anew."""
    longest: list[tuple[float, str]] = []
    gaps: list[float] = []
    busy: list[float] = []
    run = asyncio.Handle._run

    def measured(handle: asyncio.Handle) -> None:
        begun = time.thread_time()
        run(handle)
        spent = time.thread_time() - begun
        if spent > GAP:
            longest.append((spent, repr(handle)))

    def beat(loop: asyncio.AbstractEventLoop, last: float, spent: float) -> None:
        now, cpu = loop.time(), time.thread_time()
        gaps.append(now - last)
        busy.append(cpu - spent)
        loop.call_later(GAP, beat, loop, now, cpu)

    def report() -> None:
        figures = Figures(sorted(longest)[-20:], sorted(gaps), sorted(busy), gc.get_freeze_count())
        Path(file + ".part").write_bytes(msgspec.json.encode(figures))
        os.replace(file + ".part", file)
        longest.clear()
        gaps.clear()
        busy.clear()

    class Policy(asyncio.DefaultEventLoopPolicy):
        def new_event_loop(self) -> asyncio.AbstractEventLoop:
            loop = super().new_event_loop()
            loop.call_soon(lambda: loop.add_signal_handler(signal.SIGUSR1, report))
            loop.call_soon(beat, loop, loop.time(), time.thread_time())
            return loop

    asyncio.Handle._run = measured  # type: ignore[method-assign, assignment]
    asyncio.set_event_loop_policy(Policy())


if __name__ == "__main__":
    {"fail": fail, "watch": watch}[sys.argv[1]](sys.argv[2])
    sys.exit(main(sys.argv[3:]))
