"""Who reads frames: each codec as it is used, and the endpoints and processes behind them."""

import contextlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from ai_pal.client.connection import Connection
from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as outer
from ai_pal.protocol import worker as inner
from ai_pal.protocol.content import Audio, Image, Message, Text, ToolResult
from ai_pal.protocol.worker import EXIT_NEVER, EXIT_RETRY
from tests.attack.mutants import specimens
from tests.process.homes import environment
from tests.process.supervised import Supervised
from tests.worker_driver import TIMEOUT, WorkerDriver

CAUGHT = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
EXITS = (0, EXIT_RETRY, EXIT_NEVER)

Feed = Callable[[list[bytes]], None]


class Target(msgspec.Struct, frozen=True):
    """`open` gives a function that reads `at_once` frames and fails when they did harm."""

    name: str
    corpus: list[bytes]
    open: Callable[[Path], "contextlib.AbstractContextManager[Feed]"]
    at_once: int = 50


def codec(name: str, union: object, decode: Callable[[bytes], object]) -> Target:
    """Decoding alone: whatever it raises is what every reader catches."""

    @contextlib.contextmanager
    def open_(folder: Path) -> Iterator[Feed]:
        def feed(frames: list[bytes]) -> None:
            for frame in frames:
                with contextlib.suppress(*CAUGHT):
                    decode(frame)

        yield feed

    return Target(name, specimens(union), open_)


@contextlib.contextmanager
def client_endpoint(folder: Path) -> Iterator[Feed]:
    """A real supervisor: it goes on, and answers others."""
    with Supervised(environment(folder)) as daemon, daemon.client() as observer:

        def feed(frames: list[bytes]) -> None:
            connection = Connection(daemon.endpoint)
            for frame in frames:
                connection.socket.send(frame)
            while connection.socket.poll(0):
                connection.socket.recv_multipart()
            connection.close()
            assert observer.status().pid == daemon.process.pid
            for worker in observer.status().workers:
                observer.unload(worker.model)

        yield feed
        log = (folder / "supervise.stderr").read_text()
        assert "Traceback" not in log, log[-3000:]


@contextlib.contextmanager
def messages_of_frames(folder: Path) -> Iterator[Feed]:
    """The client endpoint before messages of many frames: requests that refer to them, and what follows."""
    with Supervised(environment(folder)) as daemon, daemon.client() as observer:
        dice = random.Random(1)

        def feed(frames: list[bytes]) -> None:
            connection = Connection(daemon.endpoint)
            while frames:
                count = dice.choice((0, 1, 2, 3, 9, 70))
                chat = dice.choice(WITH_FRAMES)
                connection.socket.send_multipart([*frames[:1], chat, *frames[1:count]])
                frames = frames[max(count, 1) :]
            while connection.socket.poll(0):
                connection.socket.recv_multipart()
            connection.close()
            assert observer.status().pid == daemon.process.pid
            for worker in observer.status().workers:
                observer.unload(worker.model)

        yield feed
        log = (folder / "supervise.stderr").read_text()
        assert "Traceback" not in log, log[-3000:]


@contextlib.contextmanager
def worker(folder: Path) -> Iterator[Feed]:
    """A real worker: it goes on, or ends as it ends for a load that fails."""
    with contextlib.ExitStack() as started:
        driver: WorkerDriver | None = None

        def feed(frames: list[bytes]) -> None:
            nonlocal driver
            if driver is None:
                driver = started.enter_context(WorkerDriver(folder))
                driver.wait_for(inner.WorkerHello)
            for frame in frames:
                driver.send(frame)
            code = _settled(driver)
            log = driver.log_path.read_text()
            assert "Traceback" not in log, log[-2000:]
            assert code is None or code in EXITS, f"exit code {code}: {log[-2000:]}"
            if code is not None:
                started.close()
                driver = None

        yield feed


def _settled(driver: WorkerDriver) -> int | None:
    """The exit code, or None once it beats again."""
    with contextlib.suppress(TimeoutError):
        while driver.process.poll() is None:
            frames = driver.socket.recv_multipart()[1:] if driver.socket.poll(100) else []
            if any(isinstance(inner.decode_from_worker(frame), inner.Beat) for frame in frames):
                return None
    return driver.process.wait(TIMEOUT)


def _without_stop(frames: list[bytes]) -> list[bytes]:
    return [frame for frame in frames if not isinstance(wire.decode_request(frame), wire.Stop)]


WITH_FRAMES = [
    wire.encode(wire.Chat(1, [Message("user", [Text("x"), *parts])], "echo"))
    for parts in (
        [Image("image/png", frame=1)],
        [Image("image/png", frame=2), Audio("audio/wav", frame=1)],
        [Image("image/png", frame=64)],
        [Image("image/png", frame=2**31)],
        [ToolResult("c", [Image("image/png", frame=3)])],
    )
]

TARGETS = [
    codec("requests", wire.AnyRequest, wire.decode_request),
    codec("events", wire.AnyEvent, wire.decode_event),
    codec("to the worker", inner.AnyToWorker, inner.decode_to_worker),
    codec("from the worker", inner.AnyFromWorker, inner.decode_from_worker),
    codec("to the egress process", outer.AnyToEgress, outer.decode_to_egress),
    codec("from the egress process", outer.AnyFromEgress, outer.decode_from_egress),
    Target("client endpoint", _without_stop(specimens(wire.AnyRequest)), client_endpoint, 200),
    Target("messages of frames", _without_stop(specimens(wire.AnyRequest)), messages_of_frames, 200),
    Target("worker", specimens(inner.AnyToWorker), worker, 2000),
]
