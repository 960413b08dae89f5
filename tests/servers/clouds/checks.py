"""What the strict clouds have in common: a refusal, the request's JSON, the words of an echo."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

from tests.servers.loopback import Exchange

SAID, CUT = 12, 2000
"""Words of an answer that ends by itself; a limit up to `CUT` is reached, a longer one is not."""


class Refusal(Exception):  # noqa: N818 (an answer, not a mistake)
    """A request is refused with this status and body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status, body)
        self.status, self.body = status, body


def body_of(exchange: Exchange) -> dict[str, Any] | None:
    """The JSON object of a request; None where it is none."""
    if not exchange.headers.get("content-type", "").startswith("application/json"):
        return None
    try:
        asked = json.loads(exchange.body)
    except ValueError:
        return None
    return asked if isinstance(asked, dict) else None


def bearer(exchange: Exchange) -> str:
    """The key of a request, "" for none."""
    return exchange.headers.get("authorization", "").removeprefix("Bearer ")


def echo(text: str, limit: int | None, said: int = SAID) -> tuple[list[str], bool]:
    """The words of the answer, and whether the limit cut it."""
    cut = limit is not None and limit <= CUT
    many = limit if limit is not None and cut else said
    words = itertools.cycle(text.split() or ["nothing"])
    return [f"{word} " for word in itertools.islice(words, many)], cut


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def tokens_of(messages: list[dict[str, Any]]) -> int:
    """A word is a token."""
    return sum(len(text.split()) for message in messages for text in texts_of(message.get("content")))


def texts_of(content: object) -> Iterator[str]:
    """The texts of a message's content: a string, or blocks of text."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for block in content:
            if block.get("type") == "tool_result":
                yield from texts_of(block.get("content"))
            elif block.get("type", "text") == "text":
                yield block.get("text", "")
