"""Chaos with real processes; see `scripts/chaos --help`."""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from ai_pal.errors import AiPalError
from tests.chaos.laboratory import Laboratory
from tests.chaos.proofs import PROOFS, Proof
from tests.chaos.report import Report

ALL = "all"


def main() -> int:
    """Exit code 1 when a promise was broken."""
    arguments = _parser().parse_args()
    names = list(PROOFS) if arguments.promise == ALL else [arguments.promise]
    bad = [name for name in names if not _played(name, arguments).good]
    if arguments.promise == ALL and not arguments.json:
        told = f"not good: {', '.join(bad)}" if bad else "all good"
        sys.stdout.write(f"{len(names)} proofs with seed {arguments.seed}: {told}\n")
    return 1 if bad else 0


def _played(name: str, arguments: argparse.Namespace) -> Report:
    rounds = PROOFS[name].full if arguments.rounds is None else min(arguments.rounds, PROOFS[name].full)
    command = f"scripts/chaos --promise {name} --rounds {rounds} --seed {arguments.seed}"
    print(command, file=sys.stderr, flush=True)
    report = run(name, rounds, arguments.seed, arguments.slack)
    sys.stdout.write((report.json().decode() if arguments.json else report.text()) + "\n")
    sys.stdout.flush()
    return report


def run(promise: str, rounds: int, seed: int, slack: float = 1.0) -> Report:
    """Play one proof in a home of its own."""
    proof: Proof = PROOFS[promise]
    report = Report(proof.title, seed, rounds, slack)
    home = Path(tempfile.mkdtemp(prefix="ai-pal-chaos-", dir="/tmp"))
    begun = time.monotonic()
    try:
        with Laboratory(home, report, **proof.settings) as lab:
            proof.prove(lab, random.Random(seed), rounds)
    except (AiPalError, AssertionError, OSError, subprocess.TimeoutExpired) as error:
        traceback.print_exc()
        report.expect(False, f"the run broke off: {error!r}")
    finally:
        shutil.rmtree(home, ignore_errors=True)
    report.figures["seconds"] = round(time.monotonic() - begun, 1)
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
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
