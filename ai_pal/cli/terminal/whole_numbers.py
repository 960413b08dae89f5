"""Whole numbers on the command line: none is larger than the database and the wire can hold."""

import argparse
from collections.abc import Callable

DIGITS = 18
"""Of the largest; 64 bits hold any such number and the one after it."""


def is_whole(text: str) -> bool:
    """Whether `text` is a whole number of 0 or more that is not too large."""
    return text.isascii() and text.isdigit() and len(text) <= DIGITS


def whole(least: int = 0, most: int | None = None) -> Callable[[str], int]:
    """A parser of whole numbers of `least` or more, up to `most`, for argparse."""

    def parse(text: str) -> int:
        if not is_whole(text) or int(text) < least:
            expected = f"a whole number of {least} or more, in at most {DIGITS} digits"
            raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")
        if most is not None and int(text) > most:
            raise argparse.ArgumentTypeError(f"{text!r} is more than {most}")
        return int(text)

    return parse
