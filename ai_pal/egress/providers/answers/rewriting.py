"""The body of an answer as its SDK can read it: well-formed server-sent events, whatever the server wrote.

SDKs trip over what is usual among servers: data that is empty, events without a name, a whole object instead
of a stream, line endings cut in two. Pure."""

import json
import re
from collections.abc import Iterator

from ai_pal.egress.providers.answers.events import Event, Events, Shape, Told, Unreadable

_NAME = re.compile(r"[\w.-]+", re.ASCII)


class Rewriting:
    """Takes the body piece by piece. `ended` is whether the server said that this was all."""

    def __init__(self, shape: Shape) -> None:
        self._shape, self._events = shape, Events(shape)
        self._told = False

    @property
    def ended(self) -> bool:
        return self._events.ended

    def begin(self, charset: str) -> None:
        """The body follows. `charset` is what its header names."""
        self._events, self._told = Events(self._shape, charset), False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Raises like `Events.feed`, after what came before that."""
        return self._written(self._events.feed(data))

    def close(self) -> Iterator[bytes]:
        """Raises like `Events.close`, after what came before that."""
        return self._written(self._events.close())

    def _written(self, events: Iterator[Event]) -> Iterator[bytes]:
        written: list[bytes] = []
        try:
            written.extend(map(_written, events))
        except (Told, Unreadable):
            yield b"".join(written)
            raise
        yield b"".join(written) + self._end()

    def _end(self) -> bytes:
        if not self.ended or self._told:
            return b""
        self._told = True
        return b"data: [DONE]\n\n"


def _written(event: Event) -> bytes:
    name = f"event: {event.name}\n" if _NAME.fullmatch(event.name) else ""
    return f"{name}data: {json.dumps(event.value)}\n\n".encode()
