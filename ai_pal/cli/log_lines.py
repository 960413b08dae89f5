"""Log lines for people: JSON as `time level event key=value ...`, harmless to the terminal. No I/O."""

import os
from datetime import datetime
from typing import Any

import msgspec

from ai_pal.cli.terminal.neutral import neutral_line

COLOURS = {"warning": "33", "error": "31", "critical": "31", "debug": "2"}


def readable(line: str, *, colour: bool = False) -> str:
    """One log line for people; what is not JSON stays as it is, but harmless."""
    try:
        fields = msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError:
        return neutral_line(line)
    level = str(fields.pop("level", ""))
    head = f"{_clock(str(fields.pop('timestamp', '')))} {level:8} {fields.pop('event', '')}"
    text = neutral_line("  ".join([head, *(f"{key}={_value(value)}" for key, value in fields.items())]))
    code = COLOURS.get(level)
    return f"\x1b[{code}m{text}\x1b[0m" if colour and code and "NO_COLOR" not in os.environ else text


def _clock(timestamp: str) -> str:
    """An ISO timestamp as the time of this place."""
    try:
        return datetime.fromisoformat(timestamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return timestamp


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return msgspec.json.encode(text).decode() if " " in text or not text else text
