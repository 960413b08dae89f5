"""Sizes as people write them ("8GB", "512 MiB", 0) to bytes and back."""

import math
import re

_UNITS = {"": 1, "b": 1} | {
    f"{prefix}{suffix}": base**power
    for power, prefix in enumerate("kmgt", 1)
    for suffix, base in (("", 1000), ("b", 1000), ("ib", 1024))
}
_WHOLE = r"(\d+(?:\.\d+)?)\s*([a-z]*)"

LARGEST = 10**18
"""Bytes; what is added to it still has 64 bits."""


def parse_size(value: object) -> int:
    """Bytes from a number or a text such as "8GB", "512MiB".

    Raises ValueError, with a message made for the user.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf:
        return _bounded(value, value)
    found = re.fullmatch(_WHOLE, value.strip().lower()) if isinstance(value, str) else None
    if found is None or found[2] not in _UNITS:
        raise ValueError(f"{value!r} is not a size: use bytes or a text such as '8GB' or '512MiB'")
    return _bounded(float(found[1]) * _UNITS[found[2]], value)


def _bounded(size: float, value: object) -> int:
    if size > LARGEST:
        raise ValueError(f"{value!r} is more than any machine has")
    return int(size)


def format_size(size: int) -> str:
    """The shortest exact writing: "8GB", "512MiB", "1234"."""
    for unit in ("tib", "tb", "gib", "gb", "mib", "mb", "kib", "kb"):
        if size and size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit.upper().replace('I', 'i')}"
    return str(size)
