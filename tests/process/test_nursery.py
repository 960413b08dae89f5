"""Nurseries serve many processes, any of which may be killed, and in each many threads."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from tests import nursery
from tests.process.eventually import eventually

KIND = "echo"


def test_who_is_killed_before_it_has_read_its_answer_ends_nobody_else() -> None:
    nursery.nursery(KIND).ready()
    for _ in range(3):
        killed = nursery.connected(nursery.address_of(KIND))
        assert killed is not None
        with killed:
            killed.send(nursery.HELLO)
    another = nursery.connected(nursery.address_of(KIND))
    assert another is not None
    with another:
        nursery.Nursery(another).ready()


def test_each_thread_gets_the_process_that_it_has_asked_for(tmp_path: Path) -> None:
    def fork(name: str) -> bool:
        arguments = ["--endpoint", f"ipc://{tmp_path}/nobody", "--worker", name]
        nothing = dict.fromkeys(range(3), null)
        process = nursery.nursery(KIND).fork(arguments, tmp_path, nothing, os.environ, command=[name])
        shown = eventually(lambda: psutil.Process(process.pid).cmdline()[:1] == [name])
        process.kill()
        assert process.wait(60) == -signal.SIGKILL
        return bool(shown)

    null = os.open(os.devnull, os.O_RDWR)
    try:
        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(fork, [f"worker-{number}" for number in range(24)]))
    finally:
        os.close(null)
