"""What a door has read out of a request, in our own terms."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ai_pal.client.answer import Answer
from ai_pal.client.asking import Asking
from ai_pal.errors import Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message


class Writer(Protocol):
    """Writes one answer as its door's clients expect it. Pure: what is to be sent comes out."""

    media_type: str
    """Of a stream."""

    def events(self, events: Sequence[wire.AnyEvent]) -> bytes:
        """What these events of the answer become in a stream, its end included; often nothing."""

    def alive(self, latest: wire.AnyEvent | None) -> bytes:
        """A sign of life; `latest` says how far a load or the reading of the prompt is."""

    def broken(self, failure: Failure) -> bytes:
        """The end of a stream that has begun and cannot be completed."""

    def whole(self, answer: Answer) -> bytes:
        """The whole answer as one body of JSON."""


class Asked(NamedTuple):
    """One question: the conversation, how to answer (the keywords of every client), whether as a stream."""

    messages: list[Message]
    how: Asking
    stream: bool
    writer: Writer
