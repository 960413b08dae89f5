"""Threads that compute have long turns on the processor, and hand that on to those that they start."""

import ctypes
import platform
import struct
import sys
import threading

import pytest

from workers import long_turns

GETS = {"x86_64": 315, "aarch64": 275, "riscv64": 275}

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in GETS, reason="only Linux has turns of this kind"
)


def turn() -> int:
    """Nanoseconds that this thread has asked for; 0 where it has not, or the system knows no such."""
    told = ctypes.create_string_buffer(long_turns.ATTRIBUTES.size)
    ctypes.CDLL(None).syscall(GETS[platform.machine()], 0, told, long_turns.ATTRIBUTES.size, 0)
    return int(struct.unpack("IIQiIQQQ", told.raw)[5])


def in_thread(*, took: bool = False) -> int:
    found = []

    def run() -> None:
        if took:
            long_turns.take()
        found.append(turn())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


def test_threads_that_are_started_within_have_them_and_the_starter_has_not() -> None:
    usual = turn()
    with long_turns.inherited():
        within = in_thread()
    assert turn() == in_thread() == usual
    assert within == in_thread(took=True)
    if tuple(map(int, platform.release().split(".")[:2])) >= (6, 12):
        assert within == long_turns.LONGEST


def test_a_processor_that_is_not_known_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_turns, "CALLS", {})
    usual = turn()
    with long_turns.inherited():
        assert turn() == usual
