"""Durations as people write them ("10m", "1h30m", 0, -1) to seconds and back."""

import math
import re

from ai_pal.protocol.value_rules import LONGEST, YEARS

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_WHOLE = re.compile(rf"(?:{_PART.pattern}\s*)+")

NEVER = -1.0
"""The duration that never ends."""


def parse_duration(value: object) -> float:
    """Seconds from a number or a text such as "90", "10m", "1h30m", "500ms"; -1 and "never" mean never.

    Raises ValueError, with a message made for the user.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _checked(value, value)
    if not isinstance(value, str):
        raise ValueError(_complaint(value))
    text = value.strip().lower()
    if text == "never":
        return NEVER
    if _WHOLE.fullmatch(text):
        return _checked(sum(float(n) * _UNITS[unit] for n, unit in _PART.findall(text)), value)
    try:
        seconds = float(text)
    except ValueError:
        raise ValueError(_complaint(value)) from None
    return _checked(seconds, value)


def format_duration(seconds: float) -> str:
    """The shortest usual writing: "5m", "1h30m", "2.5s", "16ms", "never"."""
    if seconds < 0:
        return "never"
    if 0 < seconds < 0.1:
        return f"{seconds * 1000:g}ms"
    if seconds != int(seconds):
        return f"{seconds:g}s"
    parts = []
    rest = int(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _checked(seconds: float, value: object) -> float:
    """`seconds`, also of an int of any size, that are a duration."""
    if LONGEST < seconds < math.inf:
        raise ValueError(f"{value!r} is longer than {YEARS} years: write 'never', where that makes sense")
    if (seconds < 0 and seconds != NEVER) or not math.isfinite(seconds):
        raise ValueError(_complaint(value))
    return float(seconds)


def _complaint(value: object) -> str:
    usual = "use seconds or a text such as '10m' or '1h30m'; 'never' or -1 means never"
    return f"{value!r} is not a duration: {usual}"
