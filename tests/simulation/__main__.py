"""Play many seeds: `--seeds N` of them from `--seed S` on; a failing one ends all and is made short.

`--seed S --only 3,17` plays these deeds of it alone, and prints the history. `--cluster`: of the simulated
cluster instead, whose failing history is printed as it is. `--workers N` on `--nodes M`: what a cluster of
that size costs its supervisor and its cluster process; `--cards` gives each node one."""

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.simulation import cluster_world
from tests.simulation.checks import ViolationError
from tests.simulation.scale_world import Scale
from tests.simulation.shortest import shortest
from tests.simulation.world import World

REST = 10.0
"""Virtual seconds for which a large cluster is watched."""

REPLACED = 200
"""Models that are loaded where others have to go for them."""


def play(seed: int) -> tuple[Counter[str], str]:
    """What happened in this history, and how it failed, if it did."""
    world = World(seed)
    try:
        world.run()
    except ViolationError as violation:
        return world.checks.happened, str(violation)
    return world.checks.happened, ""


def play_cluster(seed: int) -> tuple[Counter[str], str]:
    """The same of a simulated cluster."""
    world = cluster_world.World(seed)
    try:
        world.run()
    except ViolationError as violation:
        return world.happened, str(violation)
    return world.happened, ""


def scale(nodes: int, workers: int, seed: int, cards: Path | None) -> int:
    """Place all of them, let them rest, load others in the place of some, and print what that took."""
    world = Scale(nodes, workers, seed, cards)
    world.place()
    print(world.meter.table(f"{workers} workers placed on {nodes} nodes", world.time.now()))
    world.rest(REST)
    print(world.meter.table(f"{workers} workers at rest", world.time.now()))
    for way, count in world.sent.items():
        print(f"  messages {way}: {count / REST:,.0f} a second")
    loaded, more = world.loaded, min(REPLACED, workers)
    world.replace(more)
    print(world.meter.table(f"{more} others in the place of idle ones", world.time.now()))
    print(f"{loaded} of {workers} loaded, {world.loaded - loaded} of {more} others, {len(world.lost)} lost")
    return 0 if world.loaded == workers + more and not world.lost else 1


def replay(seed: int, only: str | None) -> int:
    """Print the history of a seed, whole or with only some of its deeds."""
    world = World(seed, only=None if only is None else frozenset(map(int, filter(None, only.split(",")))))
    try:
        world.run()
    except ViolationError as violation:
        print(violation)
        return 1
    print(world.history())
    return 0


def tell(seed: int) -> None:
    """The shortest history of a failing seed, and how to play it again."""
    deeds, history = shortest(seed)
    print(history)
    print(f"replay with: scripts/simulate --seed {seed} --only {','.join(map(str, sorted(deeds)))}")
    print(f"or in full: scripts/simulate --seed {seed}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--print", action="store_true", help="print the history of the first seed, good or bad"
    )
    parser.add_argument("--only", help="the numbers of the deeds to do, of those that the first seed draws")
    parser.add_argument("--cluster", action="store_true", help="play the simulated cluster")
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--workers", type=int, help="measure a cluster of this size")
    parser.add_argument("--cards", action="store_true", help="with a card on each of its nodes")
    arguments = parser.parse_args()
    if arguments.workers is not None:
        with tempfile.TemporaryDirectory() as folder:
            cards = Path(folder) if arguments.cards else None
            return scale(arguments.nodes, arguments.workers, arguments.seed, cards)
    if arguments.print or arguments.only is not None:
        return replay(arguments.seed, arguments.only)
    started, happened = time.monotonic(), Counter[str]()
    seeds = range(arguments.seed, arguments.seed + arguments.seeds)
    with multiprocessing.Pool(min(multiprocessing.cpu_count(), arguments.seeds)) as pool:
        one = play_cluster if arguments.cluster else play
        for done, (counts, failure) in enumerate(pool.imap(one, seeds, chunksize=5), 1):
            happened += counts
            if failure and arguments.cluster:
                print(failure)
                return 1
            if failure:
                tell(seeds[done - 1])
                return 1
    took = time.monotonic() - started
    print(f"{len(seeds)} seeds in {took:.1f} s, {len(seeds) / took:.0f} a second, no promise broken")
    print("  ".join(f"{name} {count}" for name, count in sorted(happened.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
