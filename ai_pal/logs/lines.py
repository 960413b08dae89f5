"""One line of a log, taken apart. No I/O."""

from datetime import datetime
from typing import Any, NamedTuple

import msgspec


class Line(NamedTuple):
    """When something was logged (as it is here, empty where nobody knows), how grave it is, what it is, and
    its fields; of a line that is not JSON, all of it as the event."""

    at: str
    level: str
    event: str
    fields: dict[str, str]


def parted(line: str) -> Line:
    """A line as it stands in the file."""
    try:
        found = msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError:
        return Line("", "", line, {})
    at, level = _clock(str(found.pop("timestamp", ""))), str(found.pop("level", ""))
    event = str(found.pop("event", ""))
    return Line(at, level, event, {name: _value(value) for name, value in found.items()})


def _clock(timestamp: str) -> str:
    """An ISO timestamp as the time of this place."""
    try:
        return datetime.fromisoformat(timestamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return timestamp


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return msgspec.json.encode(text).decode() if " " in text or not text else text
