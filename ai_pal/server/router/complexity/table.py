"""The weights, as package data: integers only, so that they are the same on every machine."""

from functools import cache
from importlib.resources import files

import msgspec

UNIT = 4096  # what one is written as


class Table(msgspec.Struct, frozen=True):
    """A feature's share of the log-odds is `weight * clip((value - centre) / scale)`; all in 1/UNIT."""

    exams: str
    """SHA-256 over the exam sets that the table was made from."""
    everyday: str
    """SHA-256 over the everyday prompts and their features, as they were then."""
    bias: tuple[int, int, int]
    """The log-odds where all features are at their centre: of an open question, of one with options, of a
    problem to work out."""
    features: dict[str, tuple[int, int, int, int, int]]
    """Name to centre, scale, weight in an open question, weight in one with options to choose from, weight in
    a problem to work out."""


@cache
def load() -> Table:
    """Read the table that is shipped with the package."""
    data = files("ai_pal.server.router.complexity").joinpath("table.json").read_bytes()
    return msgspec.json.decode(data, type=Table)
