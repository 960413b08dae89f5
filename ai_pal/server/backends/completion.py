"""What is open at a provider: an answer that goes to a sink, or a list of models."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as out
from ai_pal.protocol import worker as inner
from ai_pal.protocol.usage import Usage
from ai_pal.server.jobs import Answered, Sink
from ai_pal.transport.sockets import Blob


class Drops(Protocol):
    """Whoever has them under way."""

    def drop(self, opened: "Open") -> None:
        """Stop one; nothing more is heard of it."""


class Completion(msgspec.Struct, eq=False):
    """A job at a provider. Implements `jobs.Handle`. `quiet` are the seconds it may go without a word;
    `content` tells whether anything of the answer has come that is not mere reasoning."""

    providers: Drops
    request: out.Complete
    sink: Sink
    blobs: Sequence[Blob]
    quiet: float
    asked_at: float
    heard_at: float
    sent: bool = False
    next_seq: int = 0
    content: bool = False

    @property
    def key(self) -> int:
        return self.request.key

    @property
    def name(self) -> str:
        return self.request.provider.name

    @property
    def dispatched_at(self) -> float | None:
        return self.heard_at if self.sent else None

    def cancel(self) -> None:
        """Stop it and close its connection; nothing more is heard of it."""
        self.providers.drop(self)

    def lose(self, failure: Failure) -> None:
        self.sink.failed(failure, Usage(), None)

    def take(self, message: out.FromEgress) -> None:  # noqa: C901 - a line per message
        """What the egress process says of it, in order."""
        sink = self.sink
        match message:
            case out.CompletionDelta():
                self.content = self.content or message.kind != "reasoning"
                sink.delta(_piece(message))
            case out.CompletionWaiting():
                sink.news(wire.Loading(0, f"{self.name}:{self.request.model}", 0.0, self._waits(message)))
            case out.CompletionNotice():
                sink.news(wire.Notice(0, message.kind, message.reason))
            case out.CompletionConnected():
                sink.left(whole=False)
            case out.CompletionSent():
                sink.left(whole=True)
            case out.CompletionThinking():
                sink.thinks(message.characters)
            case out.CompletionLogprobs():
                sink.news(wire.Logprobs(0, message.seq, message.tokens))
            case out.CompletionDone() if self.content:
                sink.done(Answered(message.finish_reason, message.usage))
            case out.CompletionDone():
                sink.failed(self._empty(message), message.usage, None)
            case out.CompletionFailed():
                sink.failed(message.failure, message.usage, None)

    def _waits(self, message: out.CompletionWaiting) -> str:
        does = "loads the model or reads the prompt" if message.lives else "gives no sign of life"
        return f"{self.name} {does}, for {self.heard_at - self.asked_at:.0f} s by now"

    def _empty(self, message: out.CompletionDone) -> Failure:
        name = f"{self.name}:{self.request.model}"
        if message.finish_reason == "length":
            spent = f"{name} spent all of its tokens on thinking (finish reason: length)"
            return Failure(Code.LENGTH, spent, "allow a longer answer: `max_tokens`")
        return Failure(Code.EMPTY_ANSWER, f"{name} ended without a word", "ask again", retryable=True)


class Listing(msgspec.Struct, eq=False):
    """A list of a provider's models under way; `told` hears of its one end."""

    providers: Drops
    request: out.ListModels
    told: Callable[[out.ProviderModels | Failure], None]
    quiet: float
    heard_at: float
    blobs: Sequence[Blob] = ()
    sent: bool = False
    next_seq: int = 0

    @property
    def key(self) -> int:
        return self.request.key

    @property
    def name(self) -> str:
        return self.request.provider.name

    def cancel(self) -> None:
        """Nothing more is heard of it."""
        self.providers.drop(self)

    def lose(self, failure: Failure) -> None:
        self.told(failure)

    def take(self, message: out.FromEgress) -> None:
        match message:
            case out.ProviderModels():
                self.told(message)
            case out.CompletionFailed():
                self.told(message.failure)


Open = Completion | Listing


def _piece(delta: out.CompletionDelta) -> inner.DeltaItem:
    return inner.DeltaItem(
        delta.key,
        delta.seq,
        delta.n,
        msgspec.Raw(msgspec.msgpack.encode(delta.text)),
        delta.kind,
        delta.index,
        delta.call,
        delta.name,
        delta.signature,
    )
