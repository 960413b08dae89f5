"""A client endpoint with a supervisor that has no workers to be had: what a client hears, in virtual time."""

import random
from collections.abc import Callable, Sequence

import msgspec

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.worker import LoadModel, ToWorker
from ai_pal.server.endpoints.clients import ClientEndpoint, Identity
from ai_pal.server.nodes.base import ExitStatus, LaunchSpec
from ai_pal.server.pool.supervisor import Supervisor
from ai_pal.server.ports import Resolved
from ai_pal.server.services.inquiries import Inquiries
from ai_pal.transport.channel import Sent
from ai_pal.transport.peer import Peer
from tests.local_router import NoCompletions, local_router
from tests.simulation.clock import VirtualClock

ME = Peer(uid=1000, pid=1)


class NoLauncher:
    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> "NoProcess":
        raise AiPalError(Failure(Code.SPAWN_FAILED, "no process to be had", retryable=True))


class NoProcess:
    pid = 0

    def terminate(self) -> None: ...

    def kill(self) -> None: ...

    def usage(self) -> None: ...

    def owns(self, pid: int) -> bool:
        return False

    def stderr_tail(self) -> str:
        return ""


class NoWorkers:
    def send(self, worker: str, message: ToWorker) -> bool:
        return False


def resolve(reference: str) -> Resolved:
    if reference not in ("", "echo"):
        raise AiPalError(Failure(Code.MODEL_NOT_FOUND, f"there is no model {reference!r}"))
    return Resolved(LoadModel("echo", "echo"))


class Endpoint:
    """`heard` is what went out, with its client, `sizes` how many frames went out together; `answer` is
    what becomes of each sending."""

    def __init__(self, backlog_limit: int = 10_000) -> None:
        self.clock = VirtualClock()
        self.heard: list[tuple[bytes, wire.AnyEvent]] = []
        self.sizes: list[int] = []
        self.answer = Sent.OK
        self.stops = 0
        self.front = ClientEndpoint(
            identity=Identity("1.0", 1, ME.uid, "ipc://here"),
            clock=self.clock,
            send_frames=self._sent,
            request_flush=lambda: self.clock.time.after(0.0, self.front.flush),
            stop=self._stopped,
            memory=lambda: 1,
            backlog_limit=backlog_limit,
        )
        self.front.router, local = local_router(self.front, self.clock, lambda event, **fields: None)
        self.front.inquiries = Inquiries(self.front, NoCompletions(), list)
        self.supervisor = self.front.supervisor = local.supervisor = Supervisor(
            clients=self.front.router,
            workers=NoWorkers(),
            launcher=NoLauncher(),
            clock=self.clock,
            resolve=resolve,
            jitter=random.Random(1).random,
            observe=lambda event, **fields: None,
        )
        self.clock.alarm = self._alarm

    def send(self, client: bytes, *frames: bytes | wire.Request, peer: Peer | None = ME) -> None:
        encoded = [frame if isinstance(frame, bytes) else wire.encode(frame) for frame in frames]
        self.front.received(client, encoded, peer)

    def greet(self, client: bytes) -> None:
        self.send(client, wire.Hello(wire.PROTOCOL))
        self.settle()

    def settle(self) -> None:
        """Let go out what waits."""
        self.clock.run(self.clock.now())

    def events(self, client: bytes) -> list[wire.AnyEvent]:
        return [event for who, event in self.heard if who == client]

    def last(self, client: bytes) -> wire.AnyEvent:
        self.settle()
        return self.events(client)[-1]

    def _sent(self, client: bytes, frames: Sequence[bytes]) -> Sent:
        if self.answer is Sent.OK:
            self.sizes.append(len(frames))
            self.heard += [(client, wire.decode_event(frame)) for frame in frames]
        return self.answer

    def _alarm(self) -> None:
        self.supervisor.tick()
        self.front.router.tick()
        self.front.tick()

    def _stopped(self) -> None:
        self.stops += 1


def refusal(event: msgspec.Struct) -> str:
    """The code of a `failed`."""
    assert isinstance(event, wire.Failed)
    return event.reasons[-1].code
