"""What JSON can carry, and what is too deep or too much of it to be worked through. Pure."""

import math
from collections.abc import Iterator
from typing import Any

MAX_VALUES = 50_000
"""In one request, over its schemas and engine options: the largest schemas that people publish have less."""

_SHOWN = 40


def objection_to_json(value: object, where: str, levels: int) -> str:
    """Why `value` is nothing that can be said in JSON with at most so many `levels` of lists and objects, or
    nothing. `where` is its path."""
    if value is None or isinstance(value, str | bool):
        return ""
    if isinstance(value, int):
        return "" if -(1 << 63) <= value < 1 << 64 else f"{where} has more than 64 bits"
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"{where} is {value:g}, which JSON has not"
    if not isinstance(value, dict | list | tuple):
        return f"{where} is a {type(value).__name__}, which JSON has not"
    if levels == 0:
        return f"{where[:_SHOWN]}... is nested too deep"
    for inside, item in _within(value, where):
        if not inside:
            return f"{where} has a key that is no text"
        if why := objection_to_json(item, inside, levels - 1):
            return why
    return ""


def count_values(value: object) -> int:
    """How many values there are within `value`, itself included; it counts no further than `MAX_VALUES`."""
    count, left = 0, [value]
    while left and count <= MAX_VALUES:
        item = left.pop()
        count += 1
        left += item.values() if isinstance(item, dict) else item if isinstance(item, list | tuple) else ()
    return count


def shown(value: object) -> str:
    """A value as a message names it."""
    try:
        text = repr(value)
    except ValueError:  # whole numbers of thousands of digits
        return "one of thousands of digits"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _within(value: dict[Any, Any] | list[Any] | tuple[Any, ...], where: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield (f"{where}.{key}" if isinstance(key, str) else ""), item
    else:
        for index, item in enumerate(value):
            yield f"{where}[{index}]", item
