"""No descriptor is left in the supervisor: who is connected stays served or hears why, and it passes.

New connections are left out: libzmq aborts a process that accepts one without a descriptor. The supervisor
would then be gone like after any crash; it takes all descriptors that the system grants."""

import itertools
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.chaos.bystander import Bystander
from tests.chaos.laboratory import Laboratory
from tests.process.asked import Asked

FULL, SMALL = 50, 1
LEFT = (0, 40)


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round leaves a few descriptors, asks for more than they allow, and gives them back."""
    bystander, report = Bystander(lab), lab.report
    for report.round in range(1, rounds + 1):
        bystander.looks()
        with lab.client() as client:
            client.ask("one", model=f"echo?id={lab.name()}")
            with few_descriptors(lab, dice.randrange(*LEFT)):
                bystander.looks()
                for _ in range(3):
                    asked = Asked(client, f"echo?id={lab.name()}", tokens=5, pace=0.0)
                    report.expect(asked.finish(30), "no end though descriptors ran out")
                    report.ended(asked)
        bystander.looks()
        lab.is_sound()
    lab.stop()
    bystander.over()


@contextmanager
def few_descriptors(lab: Laboratory, left: int) -> Iterator[None]:
    """The supervisor may open so many more."""
    process = psutil.Process(lab.daemon.process.pid)
    before = process.rlimit(psutil.RLIMIT_NOFILE)
    used = {int(name) for name in os.listdir(f"/proc/{process.pid}/fd")}
    free = (number for number in itertools.count() if number not in used)
    process.rlimit(psutil.RLIMIT_NOFILE, (next(itertools.islice(free, left, None)), before[1]))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_NOFILE, before)
