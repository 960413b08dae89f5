"""Makes a failing history short: leaves deeds out for as long as some promise is still broken."""

from collections.abc import Callable

from tests.simulation.checks import ViolationError
from tests.simulation.world import World

TRIES = 500
Deeds = frozenset[int]


def shortest(seed: int) -> tuple[Deeds, str]:
    """The fewest deeds found with which this seed fails, and how. Raises `ValueError` where it does not."""
    world = World(seed)
    why = failure(world)
    if not why:
        raise ValueError(f"seed {seed} breaks no promise")
    kept = frozenset(range(world.deeds))
    fails: dict[Deeds, str] = {kept: why}

    def fail(deeds: Deeds) -> bool:
        found = failure(World(seed, only=deeds))
        if found:
            fails[deeds] = found
        return bool(found)

    kept = fewest(kept, fail, TRIES)
    return kept, fails[kept]


def fewest(deeds: Deeds, fail: Callable[[Deeds], bool], tries: int) -> Deeds:
    """Leave out halves, quarters, ... and single ones until no single one can be missed, in at most so many
    tries (after Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002)."""
    size = max(1, len(deeds) // 2)
    while True:
        missed = False
        ordered = sorted(deeds)
        for begin in range(0, len(ordered), size):
            if not tries:
                return deeds
            tries -= 1
            rest = deeds.difference(ordered[begin : begin + size])
            if fail(rest):
                deeds, missed = rest, True
        if size > 1:
            size //= 2
        elif not missed:
            return deeds


def failure(world: World) -> str:
    """Play it; how it broke a promise, or an empty text."""
    try:
        world.run()
    except ViolationError as violation:
        return str(violation)
    return ""
