"""Fuzz every reader of frames: `scripts/fuzz --minutes N --seed S`; the seed repeats the frames."""

import argparse
import itertools
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.attack.mutants import monsters, mutants
from tests.attack.targets import TARGETS, Target


def fuzz(target: Target, seconds: float, seed: int) -> int:
    """How many frames the target has read unharmed in so many seconds. Raises what one of them did."""
    frames, count = mutants(target.corpus, random.Random(seed)), 0
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, target.open(Path(folder)) as feed:
        for monster in monsters():
            feed([monster])
            count += 1
        while time.monotonic() < end:
            some = list(itertools.islice(frames, target.at_once))
            try:
                feed(some)
            except BaseException:
                print(f"{target.name}: seed {seed}, behind {count} frames", file=sys.stderr)
                print([frame.hex() for frame in some], file=sys.stderr)
                raise
            count += len(some)
    return count


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="in all, shared by the targets")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    for target in TARGETS:
        count = fuzz(target, arguments.minutes * 60 / len(TARGETS), arguments.seed)
        print(f"  {target.name}: {count:,} frames, no harm", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
