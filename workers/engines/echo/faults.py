"""Ways to misbehave, for the echo engine and the tests that need a process to go wrong."""

import ctypes
import os
import signal
import threading
import time
from typing import NoReturn

from workers.log import log

FOR_EVER = 1e9


def leak(megabytes: int) -> bytearray:
    """Memory that is really used: every page is touched."""
    return bytearray(b"\1") * (megabytes << 20)


def hang() -> None:
    """Never come back; the other threads go on."""
    time.sleep(FOR_EVER)


def hold_gil(seconds: float) -> None:
    """Sleep with the GIL held: no other Python thread, and no Python signal handler, runs."""
    longest = 2**31 - 1
    _say("holding the GIL")
    ctypes.PyDLL(None).poll(None, 0, min(int(seconds * 1000), longest))  # one call: the GIL stays


def prepare_block() -> None:
    """Let `block_main_thread` work; call it from the main thread."""
    signal.signal(signal.SIGUSR1, lambda number, frame: hang())


def block_main_thread() -> None:
    """Make the main thread sleep for ever in a signal handler, with the GIL free."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)


def exit_now(code: int) -> NoReturn:
    """End the process at once."""
    _say(f"exiting with code {code}")
    os._exit(code)


def kill_self(number: int) -> None:
    """Be ended by a signal."""
    os.kill(os.getpid(), number)


def _say(what: str) -> None:
    """Tell those who watch from outside that the fault strikes now."""
    log("warning", f"{what}, as asked")  # a line of our own: those of engines are not kept while it serves
