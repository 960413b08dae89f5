"""Ctrl-C is heard once, and where it is not lost."""

import ctypes
import os
import signal
import threading
from collections.abc import Callable

import pytest

from ai_pal.interrupts import after_imports

NEVER = 60.0


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


class Key:
    def __hash__(self) -> int:
        ctrl_c()
        return 1


class Finalized:
    def __del__(self) -> None:
        ctrl_c()


def hashed_in_c() -> None:
    look_up = ctypes.pythonapi.PyDict_GetItem  # the one that throws errors away
    look_up.argtypes, look_up.restype = [ctypes.py_object, ctypes.py_object], ctypes.c_void_p
    assert look_up({}, Key()) is None


def finalized() -> None:
    one = Finalized()
    del one


def wait_after(interrupted: Callable[[], None]) -> None:
    interrupted()
    threading.Event().wait(NEVER)


@pytest.mark.parametrize("interrupted", [ctrl_c, hashed_in_c, finalized])
def test_ctrl_c_is_heard_wherever_it_comes(interrupted: Callable[[], None]) -> None:
    with pytest.raises(KeyboardInterrupt), after_imports():
        wait_after(interrupted)


@pytest.mark.parametrize("interrupted", [hashed_in_c, finalized])
def test_one_that_waits_is_heard_at_the_end(interrupted: Callable[[], None]) -> None:
    with pytest.raises(KeyboardInterrupt), after_imports():
        interrupted()
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
