"""Which models this machine can hold. Pure: the machine is described to it."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from ai_pal.catalog.choosing.host import REST
from ai_pal.catalog.inventory.listed import Listed

Fit = Literal["now", "alone", "never"]
"""Beside what is in memory now; with nothing else loaded; not on this machine."""


class Fitting(NamedTuple):
    """Models by how they fit, each group as it came."""

    now: list[Listed]
    alone: list[Listed]
    never: list[Listed]


def fit(memory: int, free: int, total: int) -> Fit:
    """Of a model that needs `memory`; all in bytes, `total` is what the machine has."""
    if memory <= free:
        return "now"
    return "alone" if memory <= total * REST else "never"


def grouped(models: Iterable[Listed], free: int, total: int) -> Fitting:
    """The models by how they fit."""
    groups = Fitting([], [], [])
    for model in models:
        getattr(groups, fit(model.memory, free, total)).append(model)
    return groups
