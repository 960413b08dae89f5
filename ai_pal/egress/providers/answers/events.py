"""The body of an answer as events of JSON, however it is written: server-sent events with any line ending,
one JSON object per line, or one object that is the whole answer. Pure."""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ai_pal.egress.providers.answers.lines import Lines
from ai_pal.egress.providers.answers.loose import part
from ai_pal.egress.providers.failures.classify import code_of
from ai_pal.egress.providers.failures.error_body import read, words

FIELDS = frozenset({"data", "event", "id", "retry", "error"})
"""Fields of server-sent events; `error` is llama.cpp's own."""

KEPT = 4096
"""Characters of what is no event that are kept, to be quoted."""


class Event(NamedTuple):
    """`value` is JSON, or the text of an event that is named `error`."""

    name: str
    value: Any


Shape = Callable[[Event], list[Event]]
"""An event as its protocol has it; nothing for what says nothing in that protocol. Raises `Told`."""


class Told(Exception):  # noqa: N818 (it never leaves the process)
    """The server told of an error: `body` is what it said."""

    def __init__(self, body: Any) -> None:
        super().__init__("an error inside the answer")
        self.body = body


class Aside(Told):
    """Words that the protocol does not know and that name no error: one, if nothing better follows."""


class Unreadable(Exception):  # noqa: N818 (it never leaves the process)
    """What came is not what an answer looks like; `said` is the beginning of it. `begun` tells
    whether events came before."""

    def __init__(self, said: str, *, begun: bool) -> None:
        super().__init__("it sent what cannot be read")
        self.said, self.begun = said[:KEPT], begun


class Events:
    """Takes the body piece by piece. `ended` is whether the server said that this was all."""

    def __init__(self, shape: Shape, charset: str = "") -> None:
        self.ended = False
        self._shape, self._lines = shape, Lines(charset)
        self._name = ""
        self._data: list[str] = []
        self._begun = self._framed = False
        self._whole: list[str] | None = None
        self._odd = ""
        self._aside: Aside | None = None

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that end in this piece. Raises `Unreadable`, and what the shape raises."""
        for line in self._lines.feed(data):
            yield from self._line(line)

    def close(self) -> Iterator[Event]:
        """What is left when the body has ended; an event that was cut is none. Raises like `feed`, and where
        nothing was an event."""
        last = self._lines.close()
        if last:
            yield from self._line(last)
        if self._whole is not None:
            self._data = ["\n".join(self._whole)]
        pending = "\n".join(self._data)
        if _is_whole(pending) or self._name == "error":
            yield from self._dispatch()
        if self._aside is not None and not (self._begun and self.ended):
            raise self._aside
        if not self._begun and (self._odd or not self.ended):
            raise Unreadable(self._odd or pending, begun=False)

    def _line(self, line: str) -> Iterator[Event]:
        if self.ended:
            return
        if self._whole is not None:
            self._whole.append(line)
            return
        if not line.strip():
            yield from self._dispatch()
            return
        field, _, value = line.partition(":")
        if field.strip() in FIELDS:
            self._framed = True
            yield from self._field(field.strip(), value.removeprefix(" "))
        elif (found := _parsed(line)) is not None:
            yield from self._dispatch()
            yield from self._shaped(Event("", found.value), line)
        elif self._begun and line.lstrip().startswith("{"):
            raise Unreadable(line, begun=True)
        elif not field:  # a comment
            self._framed = True
        elif self._begun or self._framed:
            self._keep(line)
        else:
            self._whole = [line]

    def _field(self, field: str, value: str) -> Iterator[Event]:
        match field:
            case "event":
                self._name = value.strip()
            case "error":
                yield from self._dispatch()
                self._name, self._data = "error", [value]
            case "data":
                if len(self._data) == 1 and _is_whole(self._data[0]):  # no blank line between two
                    yield from self._dispatch()
                self._data.append(value)

    def _dispatch(self) -> Iterator[Event]:
        """What was gathered is an event, or the end."""
        data, self._data = "\n".join(self._data).strip(), []
        name, self._name = self._name, ""
        if _is_end(data):
            self.ended = True
        elif data:
            found = _parsed(data)
            if found is None and name != "error":
                raise Unreadable(data, begun=self._begun)
            yield from self._shaped(Event(name, data if found is None else found.value), data)

    def _shaped(self, event: Event, data: str) -> list[Event]:
        shaped = []
        for value in event.value if isinstance(event.value, list) else [event.value]:
            try:
                shaped += self._shape(Event(event.name, value))
            except Aside as aside:
                self._aside = self._aside or aside
        self._begun = self._begun or bool(shaped)
        if not shaped:
            self._keep(data)
        return shaped

    def _keep(self, odd: str) -> None:
        if len(self._odd) < KEPT:
            self._odd += odd[:KEPT]


def objects(event: Event, says: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """The objects in an event that say anything in their protocol. Raises `Told` for an error, `Aside` for an
    object with words that the protocol does not know."""
    found = []
    for value in event.value if isinstance(event.value, list) else [event.value]:
        error = _full(part(value, "error")) or (value if _is_error(event.name, value) else None)
        if error:
            raise Told(error)
        if not isinstance(value, dict):
            continue
        if says(value):
            found.append({name: held for name, held in value.items() if name != "error"})  # SDKs look for it
        elif words(value):
            raise (Told if code_of(None, read(value)) is not None else Aside)(value)
    return found


def _full(error: Any) -> Any:
    """Nothing for an error whose every field is nothing: some send that with each event."""
    return error if not isinstance(error, dict) or any(error.values()) else None


def _is_error(name: str, value: Any) -> bool:
    return "error" in (name, part(value, "type"), part(value, "object"))


class _Parsed(NamedTuple):
    value: Any


def _parsed(data: str) -> _Parsed | None:
    try:
        return _Parsed(json.loads(data, strict=False))
    except (ValueError, RecursionError):
        return None


def _is_whole(data: str) -> bool:
    return _is_end(data) or _parsed(data) is not None


def _is_end(data: str) -> bool:
    return data.strip().strip('"').upper() in ("[DONE]", "DONE")
