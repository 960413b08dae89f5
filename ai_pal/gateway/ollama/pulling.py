"""Ollama's /api/pull: a download, and how far it is."""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from ai_pal.client import AsyncClient
from ai_pal.client.asking import Asking
from ai_pal.client.async_stream import AsyncStream
from ai_pal.errors import Code, Failure, fail
from ai_pal.gateway.asking.asked import Followed
from ai_pal.gateway.ollama.answers import LINES, line
from ai_pal.gateway.ollama.listing import NamedBody, named
from ai_pal.gateway.wire.bodies import decoded
from ai_pal.gateway.wire.statuses import sentence
from ai_pal.protocol import client as wire

SUCCESS = {"status": "success"}


class PullBody(NamedBody):
    """POST /api/pull. `insecure` allows what is not needed here: certificates are checked in any case."""

    stream: bool | None = None
    insecure: bool | None = None


_PULL = msgspec.json.Decoder(PullBody)


def pull(body: bytes) -> Followed:
    """POST /api/pull. Raises `AiPalError`."""
    asked = decoded(body, _PULL)
    model = named(asked)

    def begin(client: AsyncClient, said: Asking) -> AsyncStream[Any]:
        if said.get("local_only") or said.get("mine"):
            fail(Code.LOCAL_ONLY, "a download tells the hub which model is wanted", "leave the header out")
        return client.pull(model)

    return Followed(begin, asked.stream is not False, PullLines(model), msgspec.json.encode(SUCCESS))


class PullLines:
    """Writes how far a download is."""

    media_type = LINES

    def __init__(self, model: str) -> None:
        self._model = model
        self._latest: dict[str, Any] = {"status": "pulling manifest"}
        self._begun = False

    def events(self, events: Sequence[wire.AnyEvent]) -> bytes:
        """A line for each; the first says that it begins, as Ollama's does."""
        written = b"" if self._begun or not events else line(self._latest)
        self._begun = self._begun or bool(events)
        return written + b"".join(map(self._event, events))

    def alive(self, latest: wire.AnyEvent | None) -> bytes:
        """The latest line once more."""
        self._begun = True
        return line(self._latest)

    def broken(self, failure: Failure) -> bytes:
        """A line with the error."""
        return line({"error": sentence(failure)})

    def _event(self, event: wire.AnyEvent) -> bytes:
        if isinstance(event, wire.Pulling):
            self._latest = self._progress(event)
            return line(self._latest)
        return line(SUCCESS) if isinstance(event, wire.Pulled) else b""

    def _progress(self, event: wire.Pulling) -> dict[str, Any]:
        """All files of a model are one download here; `digest` is what its lines have in common."""
        digest = hashlib.sha256(f"{event.model} {event.variant}".encode()).hexdigest()
        known = {"total": event.total} if event.total else {}
        head = {"status": f"pulling {digest[:12]}", "digest": f"sha256:{digest}"}
        return {**head, **known, "completed": event.done}
