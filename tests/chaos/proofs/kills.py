"""Promises 1 and 3: a worker dies at a random token; each answer ends once, at once, as an exact prefix."""

import os
import random
import signal
import time
from collections import Counter

from ai_pal.client import Client
from ai_pal.protocol import client as wire
from tests.chaos.laboratory import Laboratory
from tests.process.asked import Asked
from tests.process.supervised import pid_of

FULL, SMALL = 1000, 12
END = 1.0
SETTLE = 60.0


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round is one kill."""
    report = lab.report
    with lab.client() as client:
        for report.round in range(1, rounds + 1):
            _kill_once(lab, client, dice)
        report.expect(not client.status().workers or _all_idle(client), "something still runs")


def _kill_once(lab: Laboratory, client: Client, dice: random.Random) -> None:
    """Some answers on one worker, which dies when the first has come to a random token."""
    report, model = lab.report, f"echo?id={lab.name()}&slots=3"
    pace = dice.choice([0.0005, 0.002, 0.01])
    tokens = [dice.choice([dice.randrange(1, 60), 10_000]) for _ in range(dice.randrange(1, 6))]
    answers = [Asked(client, model, pace=pace, tokens=n) for n in (10_000, *tokens)]
    victim, at = answers[0].until(wire.Delta), dice.randrange(80)
    worker = pid_of(client, model)
    for event in victim.stream.within(SETTLE):
        victim.events.append(event)
        if isinstance(event, wire.Delta) and event.seq + event.n > at:
            break
    os.kill(worker, signal.SIGKILL)
    died = time.monotonic()
    if report.expect(victim.finish(END * report.slack), f"{model}: no end within {END} s of the death"):
        report.took("end after a worker's death", time.monotonic() - died, END)
    for asked in answers[1:]:
        asked.cancel()  # those that waited go on with a new worker
    for asked in answers:
        report.expect(asked.finish(SETTLE), f"{model}: never ended: {Counter(map(type, asked.events))}")
        report.ended(asked)


def _all_idle(client: Client) -> bool:
    return not any(worker.active or worker.queued for worker in client.status().workers)
