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


def main() -> int:
    """Exit code 1 when a promise was broken."""
    arguments = _parser().parse_args()
    proof = PROOFS[arguments.promise]
    rounds = proof.full if arguments.rounds is None else arguments.rounds
    command = f"scripts/chaos --promise {arguments.promise} --rounds {rounds} --seed {arguments.seed}"
    print(command, file=sys.stderr, flush=True)
    report = run(arguments.promise, rounds, arguments.seed, arguments.slack)
    sys.stdout.write((report.json().decode() if arguments.json else report.text()) + "\n")
    return 0 if report.good else 1


def run(promise: str, rounds: int, seed: int, slack: float = 1.0) -> Report:
    """Play one proof in a home of its own."""
    proof: Proof = PROOFS[promise]
    report = Report(proof.title, seed, rounds, slack)
    home = Path(tempfile.mkdtemp(prefix="ai-pal-chaos-", dir="/tmp"))
    begun = time.monotonic()
    try:
        with Laboratory(home, report, **proof.settings) as lab:
            proof.prove(lab, random.Random(seed), rounds)
    except (AiPalError, AssertionError, subprocess.TimeoutExpired) as error:
        traceback.print_exc()
        report.expect(False, f"the run broke off: {error!r}")
    finally:
        shutil.rmtree(home, ignore_errors=True)
    report.figures["seconds"] = round(time.monotonic() - begun, 1)
    return report


def _parser() -> argparse.ArgumentParser:
    proofs = "\n".join(f"  {name:4} {proof.title} ({proof.full} rounds)" for name, proof in PROOFS.items())
    parser = argparse.ArgumentParser(
        prog="scripts/chaos",
        description=f"Kill, stop, starve and flood real processes: does all hold?\n\nproofs:\n{proofs}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--promise", choices=PROOFS, default="all", help="which proof")
    parser.add_argument("--rounds", type=int, help="how many (default: the full size of the proof)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--slack", type=float, default=1.0, help="what time limits are multiplied by")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
