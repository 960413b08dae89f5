"""The seam between those who want something of a model and those who have one: jobs, sinks and backends.

A backend starts a job and tells its sink what becomes of it; it answers with a handle to call it off by. This
machine's workers are one backend, the providers behind the egress process another."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from ai_pal.catalog.resolved import Resolved
from ai_pal.errors import Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.protocol.content import FinishReason
from ai_pal.protocol.doubt import Doubt
from ai_pal.protocol.provider import Provider
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.transport.sockets import Blob

Work = inner.Generate | inner.CompleteText | inner.EmbedTexts | inner.RerankTexts | inner.CountTokens
"""What is to be done, as a worker is told it; whoever sends it puts its own key in."""


class Pull(msgspec.Struct, frozen=True):
    """A model that is not here is downloaded first, if it has at most `limit` bytes (0: of any size).
    `newer`: what the hub has now, though it is here."""

    limit: int = 0
    pip: dict[str, str] = msgspec.field(default_factory=dict)
    newer: bool = False


ANY_PULL = Pull()
"""Of any size, and pip is told nothing."""


class Patience(msgspec.Struct, frozen=True):
    """Seconds that a provider gets: to connect, until its first content, between two pieces. With `renewed`
    each sign of life gives it `first_token` anew."""

    connect: float = 5.0
    first_token: float = 60.0
    gap: float = 60.0
    renewed: bool = False


USUAL_PATIENCE = Patience()


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of work for one model. Queues are fair over owners, and over those for whom an owner
    asks (`principal`). `resolved` is what `model` means on this
    machine, where that is known already; `provider` is who is asked, None for this machine. `blobs` are the
    frames that the work refers to by number; they are taken away when its request has ended. `deadline` is in
    seconds from acceptance. Nothing of a `private` one leaves this machine, nothing of one that is to stay
    `mine` the user's own; where models run on nodes, one that `stays` has a worker on this machine. For a
    `background` one nobody waits: no model stays for it, nor is it tried again."""

    work: Work
    model: str
    owner: bytes = b""
    principal: str = ""
    blobs: Sequence[Blob] = ()
    resolved: Resolved | None = None
    provider: Provider | None = None
    private: bool = False
    mine: bool = False
    stays: bool = False
    background: bool = False
    deadline: float | None = None
    keep_alive: float | None = None
    usual_keep_alive: float | None = None
    pull: Pull | None = None
    patience: Patience = USUAL_PATIENCE


def a_worker(*, remote: bool) -> str:
    """Who answers where nobody was chosen, for people; `remote`: on another machine."""
    return f"a worker on {'a node of the cluster' if remote else 'this machine'}"


class Answered(msgspec.Struct, frozen=True):
    """An answer is complete. Without `timings` nobody has measured it, and the usage is what was claimed.
    `doubt` is that of a model here which was watched."""

    finish_reason: FinishReason = "stop"
    usage: Usage = Usage()
    timings: Timings | None = None
    stop: str = ""
    doubt: Doubt | None = None


Result = Answered | inner.Embedded | inner.Reranked | inner.Counted
"""How a job ends well: generations with `Answered`, others with what was asked for."""

News = wire.Queued | wire.Loading | wire.Reading | wire.Pulling | wire.Notice | wire.Logprobs
"""What clients may be told while a job goes on. Its id means nothing."""


class Sink(Protocol):
    """Hears what becomes of one job: `accepted` at most once, then the rest, and exactly one of `done`,
    `failed` and `cancelled`. One that is refused has `failed` alone. It may all come before `start`
    returns."""

    __slots__ = ()

    def accepted(self, model: str) -> None:
        """It is taken, by this model."""

    def news(self, news: News) -> None:
        """Something that is worth telling."""

    def left(self, *, whole: bool) -> None:
        """The prompt begins to leave this machine; `whole`: all of it is out."""
        return

    def thinks(self, characters: int) -> None:
        """A sign of life: so many characters were thought and are kept back."""
        return

    def delta(self, piece: inner.DeltaItem) -> None:
        """The next piece of the answer, in order."""
        return

    def probed(self, entropy: float) -> None:
        """What the probe has shown that the work asked for (`Generate.probe`), before the first piece."""
        return

    def watched(self, entropies: Sequence[float]) -> None:
        """How unsure a model was of the next tokens, before their piece, where that was asked for."""
        return

    def done(self, result: Result) -> None:
        """It ended well."""

    def failed(self, failure: Failure, usage: Usage, timings: Timings | None) -> None:
        """It ended without a result, or in the middle of one. Without `timings` the usage was not measured:
        it is what was claimed."""

    def cancelled(self, usage: Usage, timings: Timings) -> None:
        """It was called off by who had started it. Not every backend says so."""


class Handle(Protocol):
    """A job under way."""

    @property
    def dispatched_at(self) -> float | None:
        """Since when it is computed, None while it waits."""

    def cancel(self) -> None:
        """Call it off. Its sink hears `cancelled` before this returns, or nothing any more."""


class Backend(Protocol):
    """Whoever has models. `keeps_time`: it ends jobs that take too long by itself."""

    keeps_time: bool

    def start(self, job: Job, sink: Sink) -> Handle:
        """Take a job, or refuse it: its sink hears of that."""
