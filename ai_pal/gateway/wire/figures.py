"""Whole numbers that stand in an address. Pure."""

import re

_FIGURES = re.compile("-?[0-9]{1,15}")
"""As long as numbers are that somebody means; Python makes none of 4,300 figures."""


def whole_number(text: str) -> int | None:
    """The number that a text is; None where it is none."""
    return int(text) if _FIGURES.fullmatch(text) else None
