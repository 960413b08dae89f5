"""What a door has read out of a request, in our own terms."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple, Protocol

from ai_pal.client import AsyncClient
from ai_pal.client.answer import Answer
from ai_pal.client.asking import Asking
from ai_pal.client.async_stream import AsyncStream
from ai_pal.client.requests import Raw
from ai_pal.errors import Failure
from ai_pal.gateway.asking import presets
from ai_pal.gateway.asking.privacy_level import kept_to_level
from ai_pal.gateway.asking.put import put
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message


class Tells(Protocol):
    """Writes what goes on as its door's clients expect it. Pure: what is to be sent comes out."""

    media_type: str
    """Of a stream."""

    def events(self, events: Sequence[wire.AnyEvent]) -> bytes:
        """What these events of the answer become in a stream, its end included; often nothing."""

    def alive(self, latest: wire.AnyEvent | None) -> bytes:
        """A sign of life; `latest` says how far a load or the reading of the prompt is."""

    def broken(self, failure: Failure) -> bytes:
        """The end of a stream that has begun and cannot be completed."""


class Writer(Tells, Protocol):
    """Writes one answer."""

    def whole(self, answer: Answer) -> bytes:
        """The whole answer as one body of JSON."""


class Coming(Protocol):
    """An answer under way, or several: what of `AsyncAnswerStream` sends it on."""

    @property
    def over(self) -> bool: ...
    async def batch(self) -> list[wire.AnyEvent]: ...
    def nudge(self) -> None: ...
    def cancel(self) -> None: ...
    async def aclose(self) -> None: ...
    async def answer(self) -> Answer: ...


Begin = Callable[[AsyncClient, Asking], Coming]


class Asked(NamedTuple):
    """A question: how to put it to the supervisor (what headers say goes over it), whether its answer is a
    stream, who writes that, and how many answers each prompt has."""

    begin: Begin
    stream: bool
    writer: Writer
    per_prompt: int = 1


class Followed(NamedTuple):
    """What takes long and is no question: how to begin it, and who tells how far it is. Without `stream` only
    its end is told, as `end`."""

    begin: Callable[[AsyncClient, Asking], AsyncStream[Any]]
    stream: bool
    writer: Tells
    end: bytes


class Goes(Protocol):
    """What goes on, whoever looks: what of `AsyncStream` sends it on."""

    @property
    def over(self) -> bool: ...
    async def batch(self) -> list[Any]: ...
    def nudge(self) -> None: ...
    async def aclose(self) -> None: ...


class Watched(NamedTuple):
    """What is under way already: its stream, once somebody looks (on the loop)."""

    begin: Callable[[AsyncClient, Asking], Goes]
    writer: Tells


class Apart(NamedTuple):
    """What goes on without its client: `begin` gives the body that it gets at once."""

    begin: Callable[[AsyncClient, Asking], bytes]


class Told(NamedTuple):
    """A body of a kind of its own, with headers of its own."""

    body: bytes
    media_type: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    status: int = 200


class Errand(NamedTuple):
    """What is no question: `carry_out` gives the body of the response. `reads` is the model that is to
    read what was sent, where one is."""

    carry_out: Callable[[AsyncClient], Coroutine[Any, Any, "bytes | Told"]]
    media_type: str = "application/json"
    reads: str | None = None


AUTO = ("auto", "auto:latest")
"""Names by which the router chooses, for clients that have to name a model."""


def chat(messages: list[Message], how: Asking) -> Begin:
    """A conversation that is to be answered. In these protocols nobody would see a seam."""
    how = {"seams": False, **how}

    def begin(client: AsyncClient, said: Asking) -> Coming:
        turns, asking = presets.of_chat(client, messages, how | said)
        if asking.get("model") in AUTO:
            asking = {**asking, "model": ""}
        return put(lambda: client.chat(turns, **asking))

    return begin


def complete(prompt: Raw, suffix: str | None, how: dict[str, Any]) -> Begin:
    """A text that is to be gone on with, by a model of ours."""

    def begin(client: AsyncClient, said: Asking) -> Coming:
        client = kept_to_level(client, {**said, "model": how.get("model") or ""})
        kept = {name: value for name, value in said.items() if name in ("deadline", "principal")}
        asking = presets.of_text(client, how | kept)
        return put(lambda: client.complete_stream(prompt, suffix, **asking))

    return begin
