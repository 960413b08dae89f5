"""Whole numbers by which something is found, in an address or a body. Pure."""

import re
from typing import Annotated

import msgspec

Figure = Annotated[int, msgspec.Meta(ge=0, lt=10**15)]
"""As in an address; no database holds much longer ones."""

_FIGURES = re.compile("-?[0-9]{1,15}")
"""As long as numbers are that somebody means; Python makes none of 4,300 figures."""


def whole_number(text: str) -> int | None:
    """The number that a text is; None where it is none."""
    return int(text) if _FIGURES.fullmatch(text) else None
