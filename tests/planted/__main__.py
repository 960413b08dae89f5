"""Plant bugs, one after the other, in a clone of HEAD, and see the proofs of our promises fail."""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.planted.bugs import BUGS, Bug
from tests.process.eventually import allowed

ROOT = Path(__file__).parents[2]
LIMIT, TIMES = 600.0, 5.0
"""Seconds for one proof, or so many times as long as it takes without its bug. One that hangs was caught
as well, one that is only slow was not."""
HANGS = -1


def main() -> int:
    """Exit code 1 where a proof fails without a bug, or passes with one."""
    arguments = _parser().parse_args()
    chosen = [bug for bug in BUGS if not arguments.promise or bug.promise in arguments.promise]
    with tempfile.TemporaryDirectory(prefix="ai-pal-planted-") as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", "--shared", ROOT, clone], check=True)
        subprocess.run([clone / "scripts" / "setup", "--dev"], check=True)
        took = {proof: _sound(clone, proof) for proof in dict.fromkeys(bug.proof for bug in chosen)}
        caught = [_caught(clone, bug, took[bug.proof]) for bug in chosen if took[bug.proof]]
    print(f"{sum(caught)} of {len(chosen)} bugs caught")
    return 0 if sum(caught) == len(chosen) else 1


def _sound(clone: Path, proof: str) -> float:
    """The seconds in which the proof passes as things are, 0 where it does not: only where it passes does its
    failure mean anything. What a busy machine has spoilt is tried once more."""
    for _ in range(2):
        begun = time.monotonic()
        code = _run(clone, proof, allowed(LIMIT))
        took = time.monotonic() - begun
        if code == 0:
            break
    print(f"{'FAILS WITHOUT A BUG' if code else 'passes'}  {took:4.0f} s  {proof}", flush=True)
    return 0.0 if code else took


def _caught(clone: Path, bug: Bug, sound: float) -> bool:
    begun, file = time.monotonic(), clone / bug.file
    before = file.read_text(encoding="utf-8")
    file.write_text(planted(bug, before), encoding="utf-8")
    try:
        code = _run(clone, bug.proof, max(LIMIT, TIMES * sound))
    finally:
        file.write_text(before, encoding="utf-8")
    verdict = {1: "caught", HANGS: "caught (it hangs)"}.get(code, "MISSED")
    print(f"{bug.promise:2}  {verdict}  {time.monotonic() - begun:4.0f} s  {bug.title}", flush=True)
    return code in (1, HANGS)


def planted(bug: Bug, source: str) -> str:
    """The source with the bug in it. Raises ValueError where it cannot be planted any more."""
    if source.count(bug.old) != 1:
        raise ValueError(f"{bug.title!r}: its place in {bug.file} is gone, or there are two")
    return source.replace(bug.old, bug.new)


def _run(clone: Path, proof: str, limit: float) -> int:
    """The exit code: 1 when a check failed, anything else but 0 and HANGS when the proof could not be run."""
    command, *rest = shlex.split(proof)
    if command == "pytest":
        rest = ["-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *rest]
        command = ".venv/bin/python"
    with subprocess.Popen(
        [clone / command, *rest],
        cwd=clone,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    ) as process:
        try:
            return process.wait(limit)
        except subprocess.TimeoutExpired:
            return HANGS
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/plant", description=__doc__)
    parser.add_argument("promise", nargs="*", type=int, help="only bugs of these promises")
    return parser


if __name__ == "__main__":
    sys.exit(main())
