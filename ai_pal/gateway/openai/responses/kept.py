"""Responses that clients may come back to: the latest ones, in this process's memory, never on a disk."""

import threading
from typing import Any, NamedTuple

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol.content import Message

MOST = 1000
MOST_BYTES = 256 * 1024 * 1024
"""Of all of them, each with all that was said before it."""


class Response(NamedTuple):
    """One of them: itself, its own input, all turns up to its end, and about how many bytes these take."""

    response: dict[str, Any]
    items: list[dict[str, Any]]
    turns: tuple[Message, ...]
    size: int


class Kept:
    """Responses by their ids; what was put there first goes first. Threads share it: large bodies are read
    in one of their own."""

    def __init__(self, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._kept: dict[str, Response] = {}
        self._items: dict[str, dict[str, Any]] = {}
        self._size = 0
        self._lock = threading.Lock()

    def put(self, response: Response) -> None:
        """Keep it, in place of the oldest."""
        with self._lock:
            self._kept[response.response["id"]] = response
            self._items |= {item["id"]: item for item in response.response["output"]}
            self._size += response.size
            while len(self._kept) > self._most or self._size > self._most_bytes:
                self._drop(next(iter(self._kept)))

    def get(self, name: str) -> Response:
        """The response of this id. Raises `AiPalError` (`conversation_not_found`)."""
        with self._lock:
            return self._known(name)

    def item(self, name: str) -> dict[str, Any] | None:
        """An item of the output of any of them."""
        with self._lock:
            return self._items.get(name)

    def delete(self, name: str) -> None:
        """Forget it. Raises `AiPalError` (`conversation_not_found`)."""
        with self._lock:
            self._known(name)
            self._drop(name)

    def _known(self, name: str) -> Response:
        if (found := self._kept.get(name)) is None:
            message = f"no response {name!r} is kept"
            hint = "the latest are kept, until this server ends, unless store is false"
            raise AiPalError(Failure(Code.CONVERSATION_NOT_FOUND, message, hint))
        return found

    def _drop(self, name: str) -> None:
        gone = self._kept.pop(name)
        self._size -= gone.size
        for item in gone.response["output"]:
            self._items.pop(item["id"], None)
