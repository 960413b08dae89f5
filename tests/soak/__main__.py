"""Mixed load at the machine's capacity, and whether anything grows; see `scripts/soak --help`."""

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.soak.load import soak
from tests.soak.samples import Samples


def main() -> int:
    """Exit code 1 when something grew or a request did not end as it should."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--plot", type=Path, default=Path("soak.svg"), help="where the picture goes")
    arguments = parser.parse_args()
    print(f"scripts/soak --minutes {arguments.minutes:g} --seed {arguments.seed}", flush=True)
    samples = run(arguments.minutes * 60, arguments.seed)
    arguments.plot.write_text(samples.picture(), encoding="utf-8")
    print(samples.text())
    print(f"plot: {arguments.plot.resolve()}")
    return 0 if samples.good else 1


def run(seconds: float, seed: int) -> Samples:
    """Soak in a home of its own."""
    home = Path(tempfile.mkdtemp(prefix="ai-pal-soak-", dir="/tmp"))
    try:
        return soak(home, seconds, seed)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
