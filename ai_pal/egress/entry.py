"""How a process that goes out for the supervisor begins: its arguments, its parent, what it must not log."""

import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ai_pal.transport import parent_death

if TYPE_CHECKING:
    from ai_pal.egress.loop import MakeAdapters

USAGE = 64


def begin(module: str, argv: Sequence[str], adapters: "Callable[[], MakeAdapters | None]") -> int:
    """Run such a process that asks for answers to its end; returns the exit code. `adapters` is called once
    the parent is followed: nothing slow comes before that."""

    def ask(endpoint: str, identity: str, parent: int) -> int:
        from ai_pal.egress.loop import run

        return run(endpoint, identity, parent, adapters())

    return start(module, argv, ask)


def start(module: str, argv: Sequence[str], run: Callable[[str, str, int], int]) -> int:
    """Run such a process to its end; returns the exit code. `run` gets the supervisor's address, the name
    there and the parent's pid, once that is followed."""
    arguments = dict(zip(argv[::2], argv[1::2], strict=False))
    try:
        endpoint, identity = arguments["--endpoint"], arguments["--worker"]
        parent = int(arguments["--parent"])
    except (KeyError, ValueError):
        sys.stderr.write(f"usage: python -P -m {module} --endpoint ipc://PATH --worker ID --parent PID\n")
        return USAGE
    parent_death.follow(parent)
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the client's
    # SDKs log whole requests, with their headers, to whoever listens.
    logging.disable(logging.CRITICAL)
    return run(endpoint, identity, parent)
