"""Play many seeds: `--seeds N` of them from `--seed S` on; a failing one prints its history and ends all."""

import argparse
import multiprocessing
import sys
import time
from collections import Counter

from tests.simulation.checks import ViolationError
from tests.simulation.world import World


def play(seed: int) -> tuple[Counter[str], str]:
    """What happened in this history, and how it failed, if it did."""
    world = World(seed)
    try:
        world.run()
    except ViolationError as violation:
        return world.checks.happened, str(violation)
    return world.checks.happened, ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--print", action="store_true", help="print the history of the first seed, good or bad"
    )
    arguments = parser.parse_args()
    if arguments.print:
        world = World(arguments.seed)
        try:
            world.run()
        finally:
            print(world.history())
        return 0
    started, happened = time.monotonic(), Counter[str]()
    seeds = range(arguments.seed, arguments.seed + arguments.seeds)
    with multiprocessing.Pool(min(multiprocessing.cpu_count(), arguments.seeds)) as pool:
        for done, (counts, failure) in enumerate(pool.imap(play, seeds, chunksize=5), 1):
            happened += counts
            if failure:
                print(failure)
                print(f"replay with: scripts/simulate --seed {seeds[done - 1]}")
                return 1
    took = time.monotonic() - started
    print(f"{len(seeds)} seeds in {took:.1f} s, {len(seeds) / took:.0f} a second, no promise broken")
    print("  ".join(f"{name} {count}" for name, count in sorted(happened.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
