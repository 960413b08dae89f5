"""Kill -9 the parent: its worker is gone within a second, whatever it is doing."""

import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import zmq

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import (
    Beat,
    Deltas,
    Generate,
    LoadModel,
    LoadProgress,
    Ready,
    WorkerHello,
    decode_from_worker,
    encode,
)
from tests.process.eventually import allowed, eventually
from tests.process.supervised import gone
from tests.worker_driver import TIMEOUT, worker_command

LIMIT = 1.0
PARENT = """
import os, subprocess, sys
print(subprocess.Popen([*sys.argv[1:], str(os.getpid())]).pid, flush=True)
os.read(0, 1)
"""


class Orphaned:
    """A parent that only spawns the worker, and the ROUTER it talks to, held by the test: so that the
    worker cannot learn of the death from its socket."""

    def __init__(self, folder: Path) -> None:
        endpoint = f"ipc://{folder}/w.sock"
        self.socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.bind(endpoint)
        command = [sys.executable, "-c", PARENT, *worker_command(endpoint, "")[:-1]]
        self.parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
        assert self.parent.stdout is not None
        assert select.select([self.parent.stdout], [], [], TIMEOUT)[0]
        self.worker = psutil.Process(int(self.parent.stdout.readline()))

    def wait_for(self, kind: type) -> None:
        deadline = time.monotonic() + TIMEOUT
        while self.socket.poll(int(max(0.0, deadline - time.monotonic()) * 1000)):
            for frame in self.socket.recv_multipart()[1:]:
                if isinstance(decode_from_worker(frame), kind):
                    return
        raise TimeoutError(kind.__name__)

    def send(self, message: LoadModel | Generate) -> None:
        self.socket.send_multipart([b"w.0.1", encode(message)])

    def load(self, **options: object) -> None:
        self.wait_for(WorkerHello)
        self.send(LoadModel("echo", "echo", options=options))

    def generate(self, **extra: object) -> None:
        self.load()
        self.wait_for(Ready)
        self.send(Generate(1, [Message("user", "a b")], GenerationOptions(extra={"tokens": 10**9, **extra})))
        self.wait_for(Deltas)

    def end(self) -> None:
        self.parent.kill()
        self.parent.communicate(timeout=TIMEOUT)
        self.socket.close()


def ends_in_time(process: psutil.Process) -> None:
    """It ends within the limit; one that only waits to be reaped has ended."""
    eventually(lambda: not process.is_running() or gone(process.pid), within=allowed(LIMIT))


def starting(orphaned: Orphaned) -> None:
    """Right after the spawn."""


def waiting_to_load(orphaned: Orphaned) -> None:
    orphaned.wait_for(WorkerHello)


def loading(orphaned: Orphaned) -> None:
    orphaned.load(load_seconds=60)
    orphaned.wait_for(LoadProgress)


def loading_with_the_gil_held(orphaned: Orphaned) -> None:
    orphaned.load(load_hold_gil=60)
    while orphaned.socket.poll(1500):  # beats stop once the GIL is held
        orphaned.socket.recv_multipart()


def ready(orphaned: Orphaned) -> None:
    orphaned.load()
    orphaned.wait_for(Ready)


def decoding(orphaned: Orphaned) -> None:
    orphaned.generate(pace=0.001)


def flooding(orphaned: Orphaned) -> None:
    orphaned.generate(chunk=1000)


def hung(orphaned: Orphaned) -> None:
    orphaned.generate(hang_at=1)
    orphaned.wait_for(Beat)


STATES = [starting, waiting_to_load, loading, loading_with_the_gil_held, ready, decoding, flooding, hung]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_the_worker_dies_with_its_parent(state: Callable[[Orphaned], None], tmp_path: Path) -> None:
    orphaned = Orphaned(tmp_path)
    try:
        state(orphaned)
        orphaned.parent.kill()
        ends_in_time(orphaned.worker)
    finally:
        orphaned.end()


@pytest.mark.real_model
def test_llamacpp_dies_with_its_parent_while_it_loads(tmp_path: Path, starter_model: Path) -> None:
    orphaned = Orphaned(tmp_path)
    try:
        orphaned.wait_for(WorkerHello)
        orphaned.send(LoadModel("m", "llamacpp", str(starter_model)))
        orphaned.wait_for(LoadProgress)
        orphaned.parent.kill()
        ends_in_time(orphaned.worker)
    finally:
        orphaned.end()
