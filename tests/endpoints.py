"""A client endpoint with a supervisor that has no workers to be had: what a client hears, in virtual time."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.egress import ToEgress
from ai_pal.protocol.provider import Provider
from ai_pal.protocol.wanted import HubFiles
from ai_pal.protocol.worker import LoadModel, ToWorker
from ai_pal.providers.server import Server
from ai_pal.server.backends.local import LocalModels
from ai_pal.server.backends.providers import Providers
from ai_pal.server.children.egress import EgressPolicy, EgressProcess
from ai_pal.server.endpoints.clients import ClientEndpoint
from ai_pal.server.nodes.base import ExitStatus, LaunchSpec, ProcessUsage
from ai_pal.server.pool.supervisor import Supervisor
from ai_pal.server.services.activity import Activity
from ai_pal.server.services.download import Plan
from ai_pal.server.services.downloads import Downloads
from ai_pal.server.services.hub import HubQuestions
from ai_pal.server.services.inquiries import Inquiries, Subject
from ai_pal.server.services.operations import Actors, operations
from ai_pal.server.services.status import Identity, StatusReports
from ai_pal.store.doubts import DoubtFile
from ai_pal.transport.channel import Sent
from ai_pal.transport.peer import Peer
from ai_pal.transport.sockets import Blob
from tests.local_router import local_router
from tests.simulation.clock import VirtualClock

NOWHERE = Path("/dev/null/doubts.json")
ME = Peer(uid=1000, pid=1)
OLLAMA = Subject(Server(provider=Provider("ollama", "ollama"), mid="phi"), ("phi",))


class NoLauncher:
    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> "NoProcess":
        raise AiPalError(Failure(Code.SPAWN_FAILED, "no process to be had", retryable=True))


class NoProcess:
    pid = 0

    def terminate(self) -> None: ...

    def kill(self) -> None: ...

    def usage(self) -> ProcessUsage | None: ...

    def owns(self, pid: int) -> bool:
        return False

    def stderr_tail(self) -> str:
        return ""


class Silent:
    """A process that never says anything, and ends when it is killed."""

    pid = 7

    def __init__(self, end: Callable[[ExitStatus], None]) -> None:
        self._end, self._ended = end, False

    def terminate(self) -> None:
        """It does not listen to signals either."""

    def kill(self) -> None:
        if not self._ended:
            self._ended = True
            self._end(ExitStatus(signal=9))

    def usage(self) -> ProcessUsage | None: ...

    def owns(self, pid: int) -> bool:
        return False

    def stderr_tail(self) -> str:
        return ""


class SilentLauncher:
    """Every process comes up and says nothing."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> Silent:
        return Silent(lambda status: self._clock.time.after(0.0, lambda: on_exit(status)))


class NoWorkers:
    def send(self, worker: str, message: ToWorker, blobs: Sequence[Blob] = ()) -> bool:
        return False


def resolve(reference: str) -> Resolved:
    if reference == "far":
        raise AiPalError(Failure(Code.MODEL_NOT_HERE, "far is not on this machine"))
    if reference not in ("", "echo"):
        raise AiPalError(Failure(Code.MODEL_NOT_FOUND, f"there is no model {reference!r}"))
    return Resolved(LoadModel("echo", "echo"))


def plan(reference: str) -> Plan:
    if reference != "far":
        raise AiPalError(Failure(Code.MODEL_NOT_FOUND, f"there is no model {reference!r}"))
    return Plan(reference, "/cache", HubFiles("org/far"))


def _unsent(identity: str, message: ToEgress, blobs: Sequence[Blob] = ()) -> bool:
    return False


class Endpoint:
    """`heard` is what went out, with its client, `sizes` how many frames went out together; `answer` is
    what becomes of each sending, `deaf` who reads nothing, `gone` who is there no more. No process is to be
    had, or with `silent` only such as say nothing."""

    def __init__(self, backlog_limit: int = 10_000, *, silent: bool = False) -> None:
        self.clock = VirtualClock()
        self.heard: list[tuple[bytes, wire.AnyEvent]] = []
        self.sizes: list[int] = []
        self.answer = Sent.OK
        self.deaf: set[bytes] = set()
        self.gone: set[bytes] = set()
        self.stops = 0
        self.free = 10**9
        identity = Identity("1.0", 1, ME.uid, "ipc://here")
        self.activity = Activity(self.clock)
        self.front = ClientEndpoint(
            activity=self.activity,
            identity=identity,
            clock=self.clock,
            send_frames=self._sent,
            request_flush=lambda: self.clock.time.after(0.0, self.front.flush),
            backlog_limit=backlog_limit,
        )
        launcher = SilentLauncher(self.clock) if silent else NoLauncher()
        self.supervisor = Supervisor(
            clients=self.front,
            workers=NoWorkers(),
            launcher=launcher,
            clock=self.clock,
            resolve=resolve,
            jitter=random.Random(1).random,
            observe=self._observe,
        )
        policy = EgressPolicy()
        egress = self._egress = EgressProcess(launcher, _unsent, self.clock, self._observe, policy, dict)
        self.downloads = Downloads(
            clients=self.front,
            egress=egress,
            clock=self.clock,
            plan=plan,
            observe=self._observe,
            policy=policy,
        )
        self._providers = Providers(egress=egress, clock=self.clock, observe=self._observe)
        inquiries = Inquiries(self.front, self._providers, lambda: [OLLAMA])
        models = LocalModels(self.supervisor, self.downloads, self.front)
        router = local_router(self.front, self.clock, self._observe, models)
        reports = StatusReports(
            identity,
            self.clock,
            clients=lambda: len(self.front),
            memory=lambda: 1,
            workers=self.supervisor.statuses,
            gateways=lambda: self.front.gateways,
        )
        self.front.operations = operations(
            Actors(
                clients=self.front,
                clock=self.clock,
                look=lambda told: None,  # a disk that does not answer
                router=router,
                model_of=lambda request: "echo",
                models=models,
                supervisor=self.supervisor,
                downloads=self.downloads,
                inquiries=inquiries,
                hub=HubQuestions(self.front, egress, self.clock),
                status=reports.answer,
                open_requests=lambda: self.front.open_requests,
                stop=self._stopped,
                activity=self.activity,
                unread=self.front.unread,
                free=lambda: self.free,
                total=lambda: 4 * 10**9,
                call_off=self.front.call_off,
                resolve=resolve,
                doubts=DoubtFile(NOWHERE),
                drain=lambda request: wire.Drained(request.id, self.supervisor.drain(request.node)),
            )
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
        if client in self.deaf:
            return Sent.FULL
        if client in self.gone:
            return Sent.GONE
        if self.answer is Sent.OK:
            self.sizes.append(len(frames))
            self.heard += [(client, wire.decode_event(frame)) for frame in frames]
        return self.answer

    def _alarm(self) -> None:
        self.front.operations.tick()
        self._providers.tick()
        self._egress.tick()
        self.front.tick()

    def _observe(self, event: str, **fields: object) -> None:
        self.activity.observed(event, fields)

    def _stopped(self) -> None:
        self.front.flush()
        self.stops += 1


def refusal(event: msgspec.Struct) -> str:
    """The code of a `failed`."""
    assert isinstance(event, wire.Failed)
    return event.reasons[-1].code
