"""The interface between the router and whatever computes answers: jobs, sinks, handles and backends.

A backend starts a job, returns a handle by which the job can be cancelled, and reports everything about the
job to its sink. The workers of this machine are one backend, the providers of the egress process another."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from ai_pal.catalog.references.resolved import Resolved
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
    """One piece of work for one model. Queues are fair over owners, and over the principals of one owner."""

    work: Work
    model: str
    owner: bytes = b""  # the client that asked
    principal: str = ""  # for whom the owner asks, such as a key of the gateway
    blobs: Sequence[Blob] = ()  # attachments that the work names by number; freed when it has ended
    resolved: Resolved | None = None  # what `model` means on this machine, where that is known already
    provider: Provider | None = None  # who is asked; None: this machine
    private: bool = False  # nothing of it may leave this machine
    mine: bool = False  # nothing of it may leave the user's machines
    stays: bool = False  # its worker has to be on this machine, not on another node
    background: bool = False  # nobody waits for it: no model is kept for it, and it is not tried again
    deadline: float | None = None  # seconds from its acceptance
    keep_alive: float | None = None
    usual_keep_alive: float | None = None
    pull: Pull | None = None  # download the model first, if it is not here
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
    """What a backend reports about one job to: `accepted` at most once, then the rest, and at the end exactly
    one of `done`, `failed` and `cancelled`. A job that is refused gets `failed` alone. All of this may be
    called before `start` returns."""

    __slots__ = ()

    def accepted(self, model: str) -> None:
        """The job was accepted, by this model."""

    def news(self, news: News) -> None:
        """Progress or a notice that the client should be told of."""

    def left(self, *, whole: bool) -> None:
        """The prompt begins to leave this machine; `whole`: all of it is out."""
        return

    def thinks(self, characters: int) -> None:
        """A sign of life: so many characters were thought and are kept back."""
        return

    def read(self, tokens: int) -> None:
        """All of the prompt is read, so many tokens, before the first piece."""
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
        """The answer is complete."""

    def failed(self, failure: Failure, usage: Usage, timings: Timings | None) -> None:
        """It ended without a result, or in the middle of one. Without `timings` the usage was not measured:
        it is what was claimed."""

    def cancelled(self, usage: Usage, timings: Timings) -> None:
        """It was cancelled through its handle. Not every backend reports that."""


class Handle(Protocol):
    """A job that was started, seen from whoever started it."""

    @property
    def dispatched_at(self) -> float | None:
        """When computing began; None while it waits."""

    def cancel(self) -> None:
        """Cancel it. Its sink is told `cancelled` before this returns, or nothing any more."""


class Backend(Protocol):
    """Whoever runs models. `keeps_time`: it ends jobs that take too long by itself."""

    keeps_time: bool

    def start(self, job: Job, sink: Sink) -> Handle:
        """Accept a job or refuse it; its sink is told which."""
