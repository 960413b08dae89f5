"""The disk is full: what needs none goes on, what needs some says so, and it passes."""

import contextlib
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

from ai_pal.errors import AiPalError
from tests.chaos.bystander import Bystander
from tests.chaos.laboratory import Laboratory
from tests.process.asked import Asked

FULL, SMALL = 20, 1
SIZE = "4m"
BLOCK = 4096


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round fills the disk while the supervisor runs, or before it starts, and empties it again."""
    report = lab.report
    lab.stop()
    with small_disk(lab.home) as mounted:
        if not mounted:
            report.figures["no disk can be mounted here: rounds skipped"] = rounds
            return
        bystander = Bystander(lab)
        for report.round in range(1, rounds + 1):
            if dice.random() < 0.5:
                _starts_on_a_full_disk(lab, bystander)
            bystander.looks()
            with full(lab.home):
                with lab.client() as client:
                    for _ in range(2):
                        asked = Asked(client, f"echo?id={lab.name()}", tokens=5, pace=0.0)
                        report.expect(asked.finish(30), "no end though the disk is full")
                        report.ended(asked)
                bystander.looks()
            lab.is_sound()
        lab.stop()
        bystander.over()


def _starts_on_a_full_disk(lab: Laboratory, bystander: Bystander) -> None:
    """It starts, or refuses and says why: no traceback."""
    lab.stop()
    bystander.over()
    with full(lab.home):
        try:
            lab.is_sound()
            lab.report.outcomes["started on a full disk"] += 1
        except (AiPalError, AssertionError) as error:
            lab.report.outcomes["refused to start on a full disk"] += 1
            lab.report.expect("failure=Failure" in str(error), f"it says nothing: {error}")


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A small file system in place of this folder; False where that is not allowed."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "none", str(folder)]
    mounted = subprocess.run(command, check=False, capture_output=True, timeout=10).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True, timeout=10)


@contextlib.contextmanager
def full(folder: Path) -> Iterator[None]:
    """Not one more byte fits onto this disk."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", 0) as file:
        while True:
            file.write(b"\0" * BLOCK)
    try:
        yield
    finally:
        ballast.unlink(missing_ok=True)
