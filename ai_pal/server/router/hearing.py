"""The sink of an attempt: passes pieces of the answer on to the client, and outcomes to the router.

Part of the router's reactor: synchronous, like everything there."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.protocol.worker import DeltaItem
from ai_pal.server.jobs import Answered, News, Result, Sink
from ai_pal.server.ports import Clients, Clock
from ai_pal.server.router.cascade.watch import Verdict
from ai_pal.server.router.request import Attempt, Measured, RoutedRequest


class Outcomes(Protocol):
    """Who decides what follows: the router."""

    def accept(self, request: RoutedRequest) -> None:
        """Somebody has taken it."""

    def begun(self, attempt: Attempt, now: float) -> None:
        """Its first piece is about to come, perhaps a mere thought."""

    def committed(self, attempt: Attempt, now: float) -> None:
        """Its first content is about to come: text or a call of a tool."""

    def answered(self, attempt: Attempt, result: Answered) -> None:
        """It has given a whole answer."""

    def failed(self, attempt: Attempt, failure: Failure) -> None:
        """It ended without one."""


class Doubts(Protocol):
    """Who hears of doubts: the router's `Escalation`."""

    def held(self, attempt: Attempt, now: float) -> None:
        """A piece of it was held back."""

    def judged(self, attempt: Attempt, verdict: Verdict | None) -> None:
        """A look at it was taken before its end."""


class Hearing(Sink):
    """Hears one attempt, and translates what it says into the client's own numbers."""

    __slots__ = ("_attempt", "_clients", "_clock", "_outcomes", "_request")

    def __init__(self, attempt: Attempt, clients: Clients, clock: Clock, outcomes: Outcomes) -> None:
        self._attempt, self._request = attempt, attempt.request
        self._clients, self._clock, self._outcomes = clients, clock, outcomes

    def accepted(self, model: str) -> None:
        self._attempt.accepted, self._attempt.model = True, model
        self._outcomes.accept(self._request)

    def delta(self, piece: DeltaItem) -> None:
        """The hot path: one piece of the answer."""
        attempt, request, kind = self._attempt, self._request, piece.kind
        if attempt.stopped:
            return
        if attempt.first_at is None:
            self._before_content(kind)
        attempt.tokens += piece.n
        attempt.said += len(piece.text) - 1  # at least one byte of it says how long it is
        seq = attempt.base + piece.seq
        index = attempt.base_index + piece.index if attempt.places is None else attempt.place(piece)
        request.next_seq = seq + piece.n
        if index >= request.next_index:
            request.next_index = index + 1
        if request.kept is not None:
            request.keep(kind, index, piece.text)
        self._clients.send(
            request.client,
            wire.ForwardedDelta(
                request.chat.id,
                seq,
                piece.n,
                piece.text,
                kind,
                index,
                piece.call,
                piece.name,
                piece.signature,
            ),
        )

    def news(self, news: News) -> None:
        attempt, request = self._attempt, self._request
        if attempt.stopped:
            return
        if isinstance(news, wire.Logprobs):
            tokens = wire.Logprobs(request.chat.id, attempt.base + news.seq, news.tokens)
            self._clients.send(request.client, tokens)
            return
        if not isinstance(news, wire.Queued):
            attempt.moved_at = self._clock.now()
        if request.next_seq and isinstance(news, wire.Reading | wire.Loading):
            return  # after a seam: the client is past its waiting
        self._clients.send(request.client, msgspec.structs.replace(news, id=request.chat.id))

    def read(self, tokens: int) -> None:
        self._attempt.read = tokens

    def left(self, *, whole: bool) -> None:
        if self._attempt.connected_at is None:
            self._attempt.connected_at = self._clock.now()
        self._attempt.whole = self._attempt.whole or whole

    def thinks(self, characters: int) -> None:
        self._attempt.said += characters
        self._attempt.moved_at = self._clock.now()

    def done(self, result: Result) -> None:
        attempt = self._attempt
        assert isinstance(result, Answered)
        self._measure(result.usage, result.timings)
        if not attempt.stopped:
            self._outcomes.answered(attempt, result)

    def failed(self, failure: Failure, usage: Usage, timings: Timings | None) -> None:
        self._measure(usage, timings)
        if not self._attempt.stopped:
            self._outcomes.failed(self._attempt, failure)

    def cancelled(self, usage: Usage, timings: Timings) -> None:
        self._measure(usage, timings)
        if not self._attempt.stopped:
            called_off = Failure(Code.INTERNAL, "an attempt was called off", retryable=True)
            self._outcomes.failed(self._attempt, called_off)

    def _measure(self, usage: Usage, timings: Timings | None) -> None:
        if timings is None:
            self._attempt.told = usage
        else:
            self._attempt.measured = Measured(usage, timings)

    def _before_content(self, kind: str) -> None:
        attempt = self._attempt
        now = self._clock.now()
        if attempt.begun_at is None:
            attempt.begun_at = now
            self._outcomes.begun(attempt, now)
        if kind == "reasoning":
            attempt.moved_at = now
        else:
            self._outcomes.committed(attempt, now)


class DoubtingHearing(Hearing):
    """Hears an attempt that is watched: its pieces may wait for a verdict."""

    __slots__ = ("_doubts",)

    def __init__(
        self, attempt: Attempt, clients: Clients, clock: Clock, outcomes: Outcomes, doubts: Doubts
    ) -> None:
        super().__init__(attempt, clients, clock, outcomes)
        self._doubts = doubts

    def delta(self, piece: DeltaItem) -> None:
        attempt = self._attempt
        hold, now = attempt.hold, self._clock.now()
        if attempt.stopped or hold is None or not hold.take(piece, piece.n, now):
            super().delta(piece)
        else:
            self._doubts.held(attempt, now)

    def news(self, news: News) -> None:
        if self._attempt is self._request.attempt:  # else it is somebody else whom the client waits for
            super().news(news)

    def probed(self, entropy: float) -> None:
        attempt = self._attempt
        if attempt.watch is not None and not attempt.stopped:
            self._doubts.judged(attempt, attempt.watch.probed(entropy))

    def watched(self, entropies: Sequence[float]) -> None:
        attempt = self._attempt
        if attempt.watch is not None and not attempt.stopped and attempt.watch.takes(entropies):
            self._doubts.judged(attempt, attempt.watch.begun())
