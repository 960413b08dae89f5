"""What the cluster process's relay carries, against workers that spoke to a CURVE port of the supervisor's.

Real sockets over loopback, each end in a process of its own; the messages are as large as a few tokens."""

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import zmq

from ai_pal.cluster.frames import BEAT, WORKER
from ai_pal.cluster.relay import Relay
from ai_pal.transport import curve
from ai_pal.transport.allow_list import AllowList
from ai_pal.transport.reader import SocketReader
from ai_pal.transport.sockets import configure, receive_frames
from scripts.benchmarks.figures import Row, alternate, row
from scripts.benchmarks.supervisors import cpu_seconds

MESSAGES, SIZE = 20_000, 200
PATIENCE = 120.0
US = 1e6
NAME, LOOPBACK = "echo.1.1", "tcp://127.0.0.1:*"
Said = tuple[str, str]
"""What goes over a pipe: an address and a key, or nothing but that it is so."""
SPAWN = multiprocessing.get_context("spawn")


def ceiling(pairs: int) -> Iterator[Row]:
    """Messages a second of one worker, and what each costs whoever is in the middle."""
    with tempfile.TemporaryDirectory(prefix="ai-pal-bench-") as folder:
        endpoint = f"ipc://{folder}/workers.sock"
        runs = alternate(pairs, lambda _: through_relay(endpoint, WORKER), lambda _: to_own_port())
        beats = [through_relay(endpoint, BEAT) for _ in range(pairs)]
    for subject, found in zip(("through the relay", "to a port of the supervisor's own"), runs, strict=True):
        yield row("messages a second", [rate for rate, _ in found], subject=subject)
        yield row(
            "CPU of who takes it from the network", [each * US for _, each in found], "us", subject=subject
        )
    yield row("CPU for an agent's sign of life", [each * US for _, each in beats], "us")


def through_relay(endpoint: str, kind: bytes) -> tuple[float, float]:
    """Messages a second, and the relay's CPU seconds for each."""
    keys = curve.fresh_keys()
    with _running(_receive, endpoint, "") as receiver, _running(_relay, endpoint, keys.public) as relay:
        receiver.said()
        with _running(_send, *relay.said(), keys, kind) as sender:
            return _measured(sender, relay, receiver if kind == WORKER else relay)


def to_own_port() -> tuple[float, float]:
    """The same without anybody in between: the CPU is the receiver's."""
    keys = curve.fresh_keys()
    with (
        _running(_receive, LOOPBACK, keys.public) as receiver,
        _running(_send, *receiver.said(), keys, WORKER) as sender,
    ):
        return _measured(sender, receiver, receiver)


class Running:
    """A process of the benchmark's, and its end of a pipe."""

    def __init__(self, process: BaseProcess, pipe: "Connection[Said, Said]") -> None:
        self.process, self.pipe = process, pipe

    def said(self) -> Said:
        if not self.pipe.poll(PATIENCE):
            raise RuntimeError("a process of the benchmark says nothing")
        return self.pipe.recv()

    def cpu(self) -> float:
        assert self.process.pid is not None
        return cpu_seconds(self.process.pid)


def _measured(sender: Running, middle: Running, last: Running) -> tuple[float, float]:
    sender.said()
    before, begun = middle.cpu(), time.perf_counter()
    sender.pipe.send(("", ""))
    last.said()
    return MESSAGES / (time.perf_counter() - begun), (middle.cpu() - before) / MESSAGES


@contextmanager
def _running(does: Callable[..., None], *arguments: object) -> Iterator[Running]:
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=does, args=(theirs, *arguments), daemon=True)
    process.start()
    try:
        yield Running(process, ours)
    finally:
        process.kill()
        process.join()


def _send(pipe: "Connection[Said, Said]", address: str, server: str, keys: curve.Keys, kind: bytes) -> None:
    """As an agent does, as fast as it goes."""
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    configure(socket)
    curve.as_client(socket, keys, server)
    monitor = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
    socket.connect(address)
    monitor.recv_multipart()
    pipe.send(("", ""))
    pipe.recv()
    for _ in range(MESSAGES):
        socket.send_multipart([kind, bytes(SIZE)] if kind == WORKER else [kind])
    pipe.recv()


def _relay(pipe: "Connection[Said, Said]", endpoint: str, key: str) -> None:
    heard = _Count(pipe)

    async def run() -> None:
        relay = Relay(LOOPBACK, endpoint, lambda worker, frame: None, lambda worker: heard.one())
        relay.admit(NAME, key)
        pipe.send((relay.address, relay.public))
        await asyncio.Event().wait()

    asyncio.run(run())


def _receive(pipe: "Connection[Said, Said]", endpoint: str, key: str) -> None:
    """As the supervisor does; with a key over the network."""
    taken = _Count(pipe)

    async def run() -> None:
        context = zmq.Context()
        socket, keys = context.socket(zmq.ROUTER), curve.fresh_keys()
        configure(socket)
        if key:
            allowed = AllowList(context)
            allowed.add(key, NAME)
            curve.as_server(socket, keys)
        socket.bind(endpoint)

        def take() -> int:
            taken.one()
            return sum(map(len, receive_frames(socket)))

        reader = SocketReader(socket, take)
        pipe.send((socket.get_string(zmq.LAST_ENDPOINT), keys.public))
        await asyncio.Event().wait()
        reader.close()

    asyncio.run(run())


class _Count:
    """Says so when all have come."""

    def __init__(self, pipe: "Connection[Said, Said]") -> None:
        self._pipe, self._count = pipe, 0

    def one(self) -> None:
        self._count += 1
        if self._count == MESSAGES:
            self._pipe.send(("", ""))
