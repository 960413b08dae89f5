"""Chaos with real processes; see `scripts/chaos --help`."""

import argparse
import math
import random
import sys
import time

from tests.chaos.proofs import PROOFS
from tests.chaos.report import Report
from tests.chaos.sites import run
from tests.chaos.turns import Share

ALL = "all"


def main() -> int:
    """Exit code 1 when a promise was broken."""
    parser = _parser()
    arguments = parser.parse_args()
    names = list(PROOFS) if arguments.promise == ALL else [arguments.promise]
    whole = [name for name in names if not PROOFS[name].dealt]
    if whole and (arguments.sites > 1 or arguments.minutes < math.inf):
        parser.error(f"--sites and --minutes are for proofs that are dealt, not for {', '.join(whole)}")
    bad = [name for name in names if not _played(name, arguments).good]
    if arguments.promise == ALL and not arguments.json:
        told = f"not good: {', '.join(bad)}" if bad else "all good"
        sys.stdout.write(f"{len(names)} proofs with seed {arguments.seed}: {told}\n")
    return 1 if bad else 0


def _played(name: str, arguments: argparse.Namespace) -> Report:
    rounds = PROOFS[name].full if arguments.rounds is None else min(arguments.rounds, PROOFS[name].full)
    beside = f" --sites {arguments.sites}" if arguments.sites > 1 else ""
    command = f"scripts/chaos --promise {name} --rounds {rounds} --seed {arguments.seed}{beside}"
    print(command, file=sys.stderr, flush=True)
    share = Share(0, arguments.sites, time.monotonic() + 60 * arguments.minutes)
    report = run(name, rounds, arguments.seed, arguments.slack, share)
    sys.stdout.write((report.json().decode() if arguments.json else report.text()) + "\n")
    sys.stdout.flush()
    return report


def _parser() -> argparse.ArgumentParser:
    proofs = "\n".join(f"  {name:6} {proof.title} ({proof.full} rounds)" for name, proof in PROOFS.items())
    parser = argparse.ArgumentParser(
        prog="scripts/chaos",
        description=f"Kill, stop, starve and flood real processes: does all hold?\n\nproofs:\n{proofs}",
        epilog="scripts/chaos --promise all --rounds 20 plays each of them, with at most 20 rounds.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--promise", choices=[*PROOFS, ALL], default="blows", help="which proof")
    parser.add_argument("--rounds", type=int, help="how many, at most the full size of the proof (default)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--slack", type=float, default=1.0, help="what time limits are multiplied by")
    parser.add_argument("--sites", type=int, default=1, help="how many play side by side, each its share")
    parser.add_argument("--minutes", type=float, default=math.inf, help="after which no new round begins")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
