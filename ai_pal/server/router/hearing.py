"""What attempts say, from here and elsewhere: pieces go on to the client, the rest is news for the router.

Part of the router's reactor: synchronous, like everything there."""

from typing import Protocol

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import FinishReason, TokenLogprob
from ai_pal.server.ports import Clients, Clock
from ai_pal.server.router.attempts import ANSWERED, Attempts
from ai_pal.server.router.request import Attempt, RoutedRequest


class Outcomes(Protocol):
    """Who decides what follows: the router."""

    def accept(self, request: RoutedRequest) -> None:
        """Somebody has taken it."""

    def begun(self, attempt: Attempt, model: str) -> None:
        """Its first content is about to come."""

    def answered(self, attempt: Attempt, finish_reason: FinishReason) -> None:
        """It has given a whole answer."""

    def failed(self, attempt: Attempt, failure: Failure) -> None:
        """It ended without one."""


class Hearing:
    """Finds the attempt that an event belongs to, and translates it into the client's own numbers."""

    def __init__(self, attempts: Attempts, clients: Clients, clock: Clock, outcomes: Outcomes) -> None:
        self._attempts, self._clients, self._clock, self._outcomes = attempts, clients, clock, outcomes

    def here(self, event_id: int, event: wire.Event) -> None:
        """An event of a chat on this machine; what is said of forgotten ones is dropped."""
        attempt = self._attempts.find(-event_id)
        if attempt is None:
            return
        if isinstance(event, wire.ForwardedDelta):
            self._forward(attempt, event)
        elif isinstance(event, wire.TERMINAL):
            attempt.last = event
            if not attempt.stopped:
                self._ended_here(attempt, event)
        else:
            self._progress(attempt, event)

    def elsewhere(self, event: out.FromEgress) -> None:
        """An event of a completion."""
        attempt = self._attempts.find(getattr(event, "key", 0))
        if attempt is None or attempt.here:
            return
        match event:
            case out.CompletionWaiting():
                self._wait(attempt, lives=event.lives)
            case out.CompletionNotice():
                notice = wire.Notice(attempt.request.chat.id, event.kind, event.reason)
                self._clients.send(attempt.request.client, notice)
            case out.CompletionConnected() | out.CompletionSent() | out.CompletionThinking():
                self._goes_on(attempt, event)
            case out.CompletionDelta():
                if attempt.first_at is None:
                    self._outcomes.begun(attempt, attempt.candidate.model)
                attempt.said += len(event.text)
                self._forward(attempt, _forwarded(event))
            case out.CompletionLogprobs():
                self._probabilities(attempt, event.seq, event.tokens)
            case out.CompletionDone():
                self._done(attempt, event)
            case out.CompletionFailed():
                attempt.told = event.usage
                self._outcomes.failed(attempt, event.failure)

    def _goes_on(
        self, attempt: Attempt, event: out.CompletionConnected | out.CompletionSent | out.CompletionThinking
    ) -> None:
        """What the client need not hear of."""
        match event:
            case out.CompletionConnected():
                attempt.connected_at = self._clock.now()
            case out.CompletionSent():
                attempt.whole = True
            case out.CompletionThinking():
                attempt.said += event.characters

    def _wait(self, attempt: Attempt, *, lives: bool) -> None:
        request, name, now = attempt.request, attempt.candidate.provider, self._clock.now()
        if request.next_seq:  # after a seam: the client is past its waiting
            return
        does = "loads the model or reads the prompt" if lives else "gives no sign of life"
        reason = f"{name} {does}, for {now - attempt.asked_at:.0f} s by now"
        loading = wire.Loading(request.chat.id, attempt.candidate.name, 0.0, reason)
        self._clients.send(request.client, loading)

    def _forward(self, attempt: Attempt, piece: wire.ForwardedDelta) -> None:
        """The hot path: one piece of the answer."""
        request = attempt.request
        attempt.tokens += piece.n
        seq, index = attempt.base + piece.seq, attempt.base_index + piece.index
        request.next_seq = seq + piece.n
        if index >= request.next_index:
            request.next_index = index + 1
        if request.kept is not None and piece.kind == "text":
            request.keep(piece.text)
        self._clients.send(
            request.client,
            wire.ForwardedDelta(
                request.chat.id,
                seq,
                piece.n,
                piece.text,
                piece.kind,
                index,
                piece.call,
                piece.name,
                piece.signature,
            ),
        )

    def _probabilities(self, attempt: Attempt, seq: int, tokens: list[TokenLogprob]) -> None:
        event = wire.Logprobs(attempt.request.chat.id, attempt.base + seq, tokens)
        self._clients.send(attempt.request.client, event)

    def _progress(self, attempt: Attempt, event: wire.Event) -> None:
        request = attempt.request
        match event:
            case wire.Logprobs():
                self._probabilities(attempt, event.seq, event.tokens)
            case wire.Accepted():
                self._outcomes.accept(request)
            case wire.Started():
                self._outcomes.begun(attempt, event.model)
            case wire.Reading() if request.next_seq:
                attempt.moved_at = self._clock.now()  # after a seam: the client is past its waiting
            case wire.Queued() | wire.Loading() | wire.Reading() | wire.Pulling() | wire.Notice():
                if not isinstance(event, wire.Queued):
                    attempt.moved_at = self._clock.now()
                self._clients.send(request.client, msgspec.structs.replace(event, id=request.chat.id))

    def _ended_here(self, attempt: Attempt, event: wire.Event) -> None:
        match event:
            case wire.Done():
                self._outcomes.answered(attempt, event.finish_reason)
            case wire.Failed():
                self._outcomes.failed(attempt, event.reasons[-1])
            case wire.Interrupted():
                self._outcomes.failed(attempt, event.reason)
            case wire.Cancelled():
                called_off = Failure(Code.INTERNAL, "an attempt was called off", retryable=True)
                self._outcomes.failed(attempt, called_off)

    def _done(self, attempt: Attempt, event: out.CompletionDone) -> None:
        if attempt.first_at is None:
            attempt.told = event.usage
            message = f"{attempt.candidate.name} ended without a word"
            self._outcomes.failed(attempt, Failure(Code.EMPTY_ANSWER, message, "ask again", retryable=True))
            return
        attempt.told = event.usage
        used, timings = attempt.usage(ANSWERED), attempt.request.timings(self._clock.now())
        attempt.last = wire.Done(attempt.request.chat.id, event.finish_reason, used, timings)
        self._outcomes.answered(attempt, event.finish_reason)


def _forwarded(piece: out.CompletionDelta) -> wire.ForwardedDelta:
    return wire.ForwardedDelta(
        piece.key,
        piece.seq,
        piece.n,
        msgspec.Raw(msgspec.msgpack.encode(piece.text)),
        piece.kind,
        piece.index,
        piece.call,
        piece.name,
        piece.signature,
    )
