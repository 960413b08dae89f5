"""A supervisor that says what a test has written down: real sockets and frames, no models."""

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import zmq

from ai_pal.protocol import client as wire
from ai_pal.protocol.frames import frames_behind
from ai_pal.transport.sockets import configure

Script = Callable[[Any], Iterable[wire.AnyEvent]]
"""What is said when a request comes."""

WELCOME = wire.Welcome(wire.PROTOCOL, "1", 1)


class ScriptedSupervisor:
    """Greets, and answers by its script from a thread. `asked` are the requests in the order in which they
    came, `blobs` what followed each."""

    def __init__(self, folder: Path, script: Script = lambda request: ()) -> None:
        self.endpoint = f"ipc://{folder}/front.sock"
        self.script = script
        self.asked: list[Any] = []
        self.blobs: list[list[bytes]] = []
        self._changed = threading.Condition()
        self._end = threading.Event()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._router = self._context.socket(zmq.ROUTER)
        configure(self._router)
        self._router.bind(self.endpoint)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """End without a word, as a killed one does."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()
        if not self._router.closed:
            self._router.close(0)
            self._context.term()

    def until(self, holds: Callable[[list[Any]], bool]) -> None:
        """Wait until it holds for what was asked."""
        with self._changed:
            assert self._changed.wait_for(lambda: holds(self.asked), 60), self.asked

    def of(self, kind: type[wire.Request]) -> list[Any]:
        """The requests of this kind."""
        with self._changed:
            return [request for request in self.asked if isinstance(request, kind)]

    def _run(self) -> None:
        with suppress(zmq.ZMQError):
            while not self._end.is_set():
                if self._router.poll(10):
                    identity, *frames = self._router.recv_multipart()
                    self._received(identity, frames)

    def _received(self, identity: bytes, frames: list[bytes]) -> None:
        while frames:
            request = wire.decode_request(frames.pop(0))
            behind = frames_behind(getattr(request, "messages", ()))
            blobs, frames = frames[:behind], frames[behind:]
            said: list[wire.AnyEvent] = [WELCOME] if isinstance(request, wire.Hello) else []
            if not isinstance(request, wire.Hello | wire.Goodbye):
                said += self.script(request)
            with self._changed:
                self.asked.append(request)
                self.blobs.append(blobs)
                self._changed.notify_all()
            if said:
                self._router.send_multipart([identity, *map(wire.encode, said)])
