"""Who writes an answer: told apart from who has ended, and from who was given its number."""

import os
import subprocess
import sys

import psutil

from ai_pal.gateway.page.writer import own, writes_elsewhere


def test_another_process_writes_as_long_as_it_runs() -> None:
    other = subprocess.Popen([sys.executable, "-Sc", "input()"], stdin=subprocess.PIPE)
    try:
        name = f"{other.pid} {psutil.Process(other.pid).create_time():.2f}"
        assert writes_elsewhere(name)
    finally:
        other.communicate()
    assert not writes_elsewhere(name)


def test_this_process_and_names_of_none_do_not() -> None:
    assert not writes_elsewhere(own())
    assert not writes_elsewhere(f"{os.getppid()} 1.00")
    for name in ("", "x", "0", "-1 1.00", "9" * 30, "\u0663 1"):
        assert not writes_elsewhere(name)
