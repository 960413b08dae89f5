"""Promise 16: a client floods its endpoint; the supervisor's loop keeps its beat, others are served."""

import contextlib
import random
import signal
import threading
import time
from pathlib import Path

import msgspec
import zmq

from ai_pal.client.connection import Connection
from ai_pal.errors import AiPalError
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from tests.chaos.bystander import Bystander
from tests.chaos.laboratory import Laboratory
from tests.chaos.tampered import Figures
from tests.process.answers import slow
from tests.process.eventually import eventually

FULL, SMALL = 60, 4
CALLBACK, GAP = 0.020, 0.050
LARGE = 10_000_000
FRAMES = (1, 10, 100, 1000)


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round is one second of flood."""
    report, file = lab.report, Path(lab.home) / "figures"
    lab.tamper("watch", str(file))
    bystander = Bystander(lab)
    bystander.looks()
    flood = Flood(lab, dice, f"echo?id={lab.name()}")
    lab.daemon.process.send_signal(signal.SIGUSR1)
    eventually(file.exists)
    file.unlink()
    begun = time.monotonic()
    while time.monotonic() - begun < rounds:
        bystander.looks()
    flood.end()
    lab.daemon.process.send_signal(signal.SIGUSR1)
    eventually(file.exists)
    figures = msgspec.json.decode(file.read_bytes(), type=Figures)
    report.figures["messages sent"], report.figures["answers heard"] = flood.sent, flood.heard
    report.expect(figures.frozen, "the loop is held while the collector looks through all that is imported")
    for spent, what in figures.longest[-5:]:
        report.took("CPU of a callback", spent, CALLBACK)
        report.expect(spent <= CALLBACK * report.slack, f"{spent * 1000:.0f} ms in {what}")
    report.took("CPU between two beats of the loop, p99.9", late(figures.busy), GAP)
    report.figures["gap of the loop by the clock, p99.9 (ms)"] = round(late(figures.gaps) * 1000)
    lab.stop()
    bystander.over()


def late(times: list[float]) -> float:
    """The 99.9th percentile of an ascending list."""
    return times[int(len(times) * 0.999)]


class Flood:
    """A client that sends as fast as it can, in a thread of its own: one frame or many, small or large."""

    def __init__(self, lab: Laboratory, dice: random.Random, model: str) -> None:
        self._endpoint, self._dice, self._model = lab.daemon.endpoint, dice, model
        self._over = threading.Event()
        self.sent = self.heard = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join(10)

    def _run(self) -> None:
        connection = Connection(self._endpoint)
        read = [self._chat(), wire.encode(wire.Status(7)), wire.encode(wire.Cancel(5))]
        unread = [b"\x81", b"\x93" * 200_000]
        large = b"\xc6" + LARGE.to_bytes(4, "big") + bytes(LARGE)
        while not self._over.is_set():
            frames = self._dice.choices(read, [5, 2, 5], k=self._dice.choice(FRAMES))
            if self._dice.random() < 0.5:  # what comes behind it in the same message is only refused
                frames.insert(self._dice.randrange(len(frames)), self._dice.choices(unread, [100, 1])[0])
            if self._dice.random() < 0.005:
                frames = [large]
            self._send(connection, frames)
            while connection.socket.poll(0):
                self.heard += len(connection.socket.recv_multipart())
        with contextlib.suppress(AiPalError):
            connection.close()

    def _send(self, connection: Connection, frames: list[bytes]) -> None:
        try:
            connection.socket.send_multipart(frames, zmq.DONTWAIT)
            self.sent += 1
        except zmq.Again:
            connection.socket.poll(1)

    def _chat(self) -> bytes:
        return wire.encode(wire.Chat(3, [Message("user", "x")], self._model, slow(tokens=2, pace=0.0)))
