"""What options of the command line take as their values, for argparse. No I/O."""

import argparse
import math
from collections.abc import Callable
from typing import Any

from ai_pal.config.durations import NEVER, parse_duration


def number(meaning: str, low: float = -math.inf, high: float = math.inf) -> Callable[[str], float]:
    """A parser of finite numbers within these bounds; `meaning` tells them."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high or math.isinf(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not a number {meaning}".rstrip())
        return value

    return parse


def duration(text: str) -> float:
    """Seconds; `never` is -1."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def deadline(text: str) -> float:
    """Seconds, some."""
    seconds = duration(text)
    if seconds == NEVER or seconds == 0:
        raise argparse.ArgumentTypeError("a deadline is longer than nothing; leave it out for none")
    return seconds


def pair(text: str) -> tuple[str, Any]:
    """`KEY=VALUE`, where the value may be JSON."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    import msgspec

    try:
        return key, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return key, value
