"""An answer cut at its marks while it is written: what is thought, what is said, what calls tools. Pure.

Tells the events of transformers' `ResponseParser`, which llama.cpp's worker does not have."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Region(NamedTuple):
    """What stands between two marks; without a second one it goes on to its own next, or to the end."""

    field: str
    open: str
    close: str


class Regions:
    """One answer. `begun` is the field of the region that the prompt has begun, "" for none."""

    def __init__(self, regions: Sequence[Region], begun: str = "") -> None:
        self._regions = [one for one in regions if one.open]
        self._inside = next((one for one in self._regions if one.field == begun), None)
        self._held = ""
        self.initial_events = [] if self._inside is None else [_opened(self._inside)]

    def feed(self, text: str) -> list[dict[str, Any]]:
        """What has become certain with this text."""
        self._held += text
        events: list[dict[str, Any]] = []
        while self._read(events):
            pass
        return events

    def finalize(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The rest, when no more comes. The first part is nothing: who wants a region has kept it."""
        events: list[dict[str, Any]] = []
        self._tell(events, len(self._held))
        if self._inside is not None:
            events.append(_closed(self._inside))
        return {}, events

    def _read(self, events: list[dict[str, Any]]) -> bool:
        """Whether there may be more to read."""
        inside = self._inside
        marks = [one.open for one in self._regions] if inside is None else [inside.close or inside.open]
        found = [(at, -len(mark), mark) for mark in marks if (at := self._held.find(mark)) >= 0]
        if not found:
            self._tell(
                events, len(self._held) - max((overlap(self._held, mark) for mark in marks), default=0)
            )
            return False
        at, _, mark = min(found)
        self._tell(events, at)
        if inside is not None:
            events.append(_closed(inside))
            self._held = self._held.removeprefix(inside.close)
            self._inside = None
        else:
            self._held = self._held.removeprefix(mark)
            self._inside = next(one for one in self._regions if one.open == mark)
            events.append(_opened(self._inside))
        return True

    def _tell(self, events: list[dict[str, Any]], count: int) -> None:
        told, self._held = self._held[:count], self._held[count:]
        if told:
            field = "content" if self._inside is None else self._inside.field
            events.append({"type": "region_chunk", "field": field, "text": told})


def _opened(region: Region) -> dict[str, Any]:
    return {"type": "region_open", "field": region.field}


def _closed(region: Region) -> dict[str, Any]:
    return {"type": "region_close", "field": region.field, "value": ""}


def overlap(text: str, mark: str) -> int:
    """Characters at the end of the text that may be the beginning of the mark."""
    lengths = range(min(len(mark) - 1, len(text)), 0, -1)
    return next((length for length in lengths if text.endswith(mark[:length])), 0)
