"""What the page is sent while something goes on: server-sent events, each a list of small changes. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ai_pal.errors import Failure
from ai_pal.protocol import client as wire

Change = tuple[Any, ...]
"""The kind of a change, and what it says."""


def written(changes: Sequence[Change]) -> bytes:
    """One event."""
    return b"data: " + msgspec.json.encode(changes) + b"\n\n"


def failure_of(failure: Failure) -> dict[str, str]:
    """What went wrong, and what to do about it."""
    return {"code": failure.code, "message": failure.message, "hint": failure.hint}


class Events:
    """Writes what is under way: pieces that are written already."""

    media_type = "text/event-stream"

    def events(self, events: Sequence[Any]) -> bytes:
        """As they are."""
        return b"".join(events)

    def alive(self, latest: wire.AnyEvent | None) -> bytes:
        """A comment, which every reader of events passes over."""
        return b": \n\n"

    def broken(self, failure: Failure) -> bytes:
        """The last event in place of the rest."""
        return written([("broken", failure_of(failure))])
