"""What must be true of the router in every history: who is asked how often, who may go on, what is told."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ai_pal.errors import Code, Failure
from ai_pal.privacy import stays_here
from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.server.jobs import Backend, Handle, Job, Result, Sink
from ai_pal.server.router.policy.fallback_chain import FINAL
from ai_pal.server.router.router import Router
from ai_pal.store.ledger import Attempt
from ai_pal.transport.sockets import Blob
from tests.simulation.doubts import is_doubtable
from tests.simulation.elsewhere import SimEgress
from tests.simulation.snapshots import PROVIDERS

if TYPE_CHECKING:
    from tests.simulation.world import World

ENDED_OTHERWISE = FINAL | {Code.UNLOADED}


class WatchedBackend:
    """Implements `jobs.Backend`: what goes to a backend, and what is called off, is seen by the checks."""

    def __init__(self, backend: Backend, checks: "RoutingChecks") -> None:
        self._backend, self._checks = backend, checks
        self.keeps_time = backend.keeps_time

    def start(self, job: Job, sink: Sink) -> Handle:
        self._checks.asked_for(job)
        watched = WatchedSink(sink, job, self._checks)
        self._checks.running.append(watched)
        watched.handle = self._backend.start(job, watched)
        return watched


class WatchedSink:
    """Between a backend and the router: implements `Sink` and `Handle`, and sees that each job ends once."""

    handle: Handle

    def __init__(self, sink: Sink, job: Job, checks: "RoutingChecks") -> None:
        self._sink, self.job, self._checks = sink, job, checks
        self.accepted, self.news, self.left = sink.accepted, sink.news, sink.left
        self.thinks, self.read, self.delta = sink.thinks, sink.read, sink.delta
        self.probed, self.watched = sink.probed, sink.watched
        self._ended = False

    @property
    def dispatched_at(self) -> float | None:
        return self.handle.dispatched_at

    def cancel(self) -> None:
        self.handle.cancel()
        if not self._ended:  # a backend need not say it
            self._end()

    def done(self, result: Result) -> None:
        self._end()
        self._sink.done(result)

    def failed(self, failure: Failure, usage: Usage, timings: Timings | None) -> None:
        self._end()
        self._sink.failed(failure, usage, timings)

    def cancelled(self, usage: Usage, timings: Timings) -> None:
        self._end()
        self._sink.cancelled(usage, timings)

    def _end(self) -> None:
        self._checks.expect(not self._ended, f"{self.job.model} ends a job twice")
        self._ended = True
        self._checks.running.remove(self)


class WatchedRouter(Router):
    """Tells the checks which chat a client's id stands for from now on."""

    def __init__(self, checks: "RoutingChecks", **parts: Any) -> None:
        super().__init__(**parts)
        self._checks = checks

    def chat(self, client: bytes, chat: wire.Chat, blobs: Sequence[Blob] = ()) -> None:
        self._checks.chats[client, chat.id] = chat
        if is_doubtable(chat):
            self._checks.beside.add(chat.options.extra["ask"])
        super().chat(client, chat, blobs)


class RoutingChecks:
    """Watches the border between the router and those who answer. Each chat of a client has a number of
    its own in `options.extra["ask"]`, by which every attempt at it is known."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.chats: dict[tuple[bytes, int], wire.Chat] = {}
        self.asked: dict[int, list[str]] = defaultdict(list)
        self.content: set[int] = set()
        self.beside: set[int] = set()
        """Those of whom somebody may be asked while an answer that is doubted goes on."""
        self.running: list[WatchedSink] = []
        self.seams: dict[int, int] = defaultdict(int)
        self._dispatches = 0
        self._recorded = 0

    def expect(self, holds: bool, claim: str) -> None:
        self.world.checks.expect(holds, claim)

    # -- attempts ------------------------------------------------------------------------------

    def asked_for(self, job: Job) -> None:
        """A job goes to a backend."""
        assert isinstance(job.work, inner.Generate)
        extra, provider = job.work.options.extra, job.provider
        name = job.model if provider is None else f"{provider.name}:{job.model}"
        self._attempt(extra["ask"], name)
        if provider is not None:
            self.world.checks.happened[f"asked {provider.name}"] += 1
            private = extra["private"]
            self.expect(not private or stays_here(provider), f"{name} is sent a private prompt")
            self.expect(not private or job.private, f"{name} is not told that the prompt is private")

    def _attempt(self, number: int, name: str) -> None:
        self._dispatches += 1
        self.expect(name not in self.asked[number], f"{name} is asked twice for {number}")
        seams_due = number in self.content and number not in self.beside
        self.expect(not seams_due or self.seams[number] == 1, f"{name} goes on with {number} in silence")
        self.asked[number].append(name)

    def recorded(self, attempt: Attempt) -> None:
        """An attempt is put into the ledger."""
        self._recorded += 1
        self.expect(attempt.total >= 0.0 and attempt.cost >= 0.0, f"{attempt}")

    # -- what clients are told -----------------------------------------------------------------

    def emitted(self, client: bytes, event: wire.Event) -> None:
        """An event, at the moment when the router says it."""
        chat = self.chats.get((client, getattr(event, "id", 0)))
        if chat is None:
            return
        number = chat.options.extra["ask"]
        match event:
            case wire.ForwardedDelta() if event.kind != "reasoning":
                self.content.add(number)
            case wire.Notice(_, "seam"):
                self.seams[number] += 1
                self.world.checks.happened["seam"] += 1
                self.expect(
                    chat.continuation or is_doubtable(chat), f"{number}: a seam that nobody asked for"
                )
                self.expect(self.seams[number] == 1 or is_doubtable(chat), f"{number}: a second seam")
                self.expect(number in self.content, f"{number}: a seam before any content")
            case wire.Notice(_, "fallback"):
                self.world.checks.happened["fallback"] += 1
                self.expect(number not in self.content, f"{number}: {event} after content")
            case wire.Failed(_, reasons):
                self._given_up(chat, reasons)
        if isinstance(event, wire.TERMINAL):
            del self.chats[client, chat.id]
            left = [job.job.model for job in self.running if ask_of(job.job) == number]
            self.expect(not left, f"{number} has ended, and {left} goes on computing")

    def _given_up(self, chat: wire.Chat, reasons: list[Failure]) -> None:
        """Every candidate's reason is there, unless there was no use in asking the others."""
        number = chat.options.extra["ask"]
        if (
            chat.model
            or chat.escalate == "stronger"
            or reasons[-1].code in ENDED_OTHERWISE
            or not self.asked[number]
        ):
            return
        strong = len(chat.messages[-1].text.split()) * 0.19 > 0.7
        considered = 2 + len([p for p in PROVIDERS if p != "ollama"]) + (1 if strong else 0)
        self.expect(len(reasons) == considered, f"{len(reasons)} reasons, {considered} candidates: {reasons}")

    # -- at the end ----------------------------------------------------------------------------

    def finally_quiet(self) -> None:
        self.expect(not len(self.world.daemon.router), "the router still has a request")
        self.expect(not self.world.daemon.router.attempts, "an attempt is still open")
        self.expect(
            self._recorded >= self._dispatches,
            f"{self._recorded} of {self._dispatches} attempts in the ledger",
        )
        for process in self.world.machine.egresses:
            self._left(process)

    def _left(self, process: SimEgress) -> None:
        self.expect(not process.open or process.exited, f"{process.identity} still computes {process.open}")


def ask_of(job: Job) -> object:
    """The number of the chat that a job is for."""
    assert isinstance(job.work, inner.Generate)
    return job.work.options.extra["ask"]
