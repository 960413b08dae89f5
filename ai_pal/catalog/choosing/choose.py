"""Which variant of a model suits this machine. Pure: the machine is described to it."""

from collections.abc import Sequence
from typing import NamedTuple

from ai_pal.catalog.known.model import Variant


class Capacity(NamedTuple):
    """What counts for the choice: free memory in bytes, and what is installed (`llamacpp`,
    `transformers`, `quantize`, `echo`)."""

    free_memory: int
    installed: frozenset[str]


class Choice(NamedTuple):
    """The chosen variant, and why this one."""

    variant: Variant
    reason: str


def choose(variants: Sequence[Variant], capacity: Capacity) -> Choice:
    """The best variant that can run here and fits into the free memory; the smallest where none fits."""
    runnable = [variant for variant in variants if capacity.installed.issuperset(variant.needs)]
    free = f"{capacity.free_memory / 1e9:.1f} GB is free"
    for variant in runnable:
        if variant.memory <= capacity.free_memory:
            return Choice(variant, _why(variant, variants, runnable, free))
    if runnable:
        smallest = min(runnable, key=lambda variant: variant.memory)
        needs = f"{smallest.memory / 1e9:.1f} GB"
        return Choice(smallest, f"{smallest.name} is the smallest: it needs {needs}, {free}")
    missing = ", ".join(sorted({need for need in variants[0].needs if need not in capacity.installed}))
    return Choice(variants[0], f"{variants[0].name} needs {missing}, which is not installed")


def _why(chosen: Variant, variants: Sequence[Variant], runnable: Sequence[Variant], free: str) -> str:
    first = variants[0]
    if chosen is first:
        return f"{chosen.name} is the best and fits: {free}"
    if first not in runnable:
        missing = " and ".join(need for need in first.needs)
        return f"{chosen.name} is the best that runs here ({first.name} needs {missing})"
    return f"{chosen.name} is the best that fits: {first.name} needs {first.memory / 1e9:.1f} GB, {free}"
