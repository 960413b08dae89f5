"""Open requests of a key are counted over all processes of a port; who was killed counts no more."""

import os
import subprocess
import sys
from pathlib import Path

from ai_pal.config.http_settings import HttpSettings
from ai_pal.gateway.access.open_requests import LOOK_SECONDS, OpenRequests
from ai_pal.gateway.wire.limits import limits_of


def test_each_process_counts_what_all_have_open(tmp_path: Path) -> None:
    time = 0.0
    here = OpenRequests(str(tmp_path), lambda: time)
    other = OpenRequests(str(tmp_path), lambda: time, pid=os.getppid())
    here.begins("a")
    other.begins("a")
    other.begins("b")
    assert (here.of("a"), other.of("a"), here.of("b"), here.of("c")) == (2, 2, 1, 0)
    other.ends("a")
    assert here.of("a") == 1
    here.ends("a")
    assert other.of("a") == 0


def test_who_was_killed_counts_no_more(tmp_path: Path) -> None:
    time = 0.0
    here = OpenRequests(str(tmp_path), lambda: time)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        OpenRequests(str(tmp_path), lambda: time, pid=process.pid).begins("a")
        assert here.of("a") == 1
        process.kill()
    time += LOOK_SECONDS
    assert here.of("a") == 0
    assert len(list(tmp_path.iterdir())) == 1


def test_one_alone_writes_nothing() -> None:
    alone = OpenRequests()
    alone.begins("a")
    assert (alone.of("a"), alone.of("b")) == (1, 0)


def test_connections_are_shared_out_and_requests_of_a_key_are_not() -> None:
    http = HttpSettings(max_connections=1000, max_per_key=64)
    for processes, connections in ((1, 1000), (3, 334), (500, 8)):
        limits = limits_of(http, processes)
        assert (limits.connections, limits.per_key) == (connections, 64)
