"""Promise 16: the Nth send, receive, spawn, read or write fails, until a run passes untouched.

Each run is the same hour of a supervisor in small: load, answer, cancel, queue, unload, stop."""

import random

from ai_pal.errors import AiPalError
from ai_pal.protocol import client as wire
from tests.chaos.laboratory import Laboratory
from tests.chaos.tampered import OPERATIONS
from tests.process.asked import Asked

FULL, SMALL = 1000, 1
ENDS = 60.0
LATEST = 30
"""Where a small run looks for an N."""


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round is one N of each operation; a small run draws it."""
    for operation in OPERATIONS:
        for nth in range(1, rounds + 1):
            drawn = nth if rounds > SMALL else dice.randrange(1, LATEST)
            if not _struck(lab, operation, drawn):
                lab.report.figures[f"{operation}s in a run"] = drawn - 1
                lab.report.expect(drawn > 1, f"no {operation} in a run: nothing is proven")
                break


def _struck(lab: Laboratory, operation: str, nth: int) -> bool:
    """Whether the operation happened so often."""
    report = lab.report
    report.round = nth
    lab.tamper("fail", f"{operation}:{nth}")
    try:
        _live(lab)
    except (AiPalError, AssertionError) as error:
        if "failure=Failure" in str(error):
            report.outcomes["refused to start, and said why"] += 1
            return True
        report.expect(False, f"{operation} {nth}: {error}")
    struck = lab.daemon.said(f"planted: {operation} {nth}")
    lab.stop()
    return struck


def _live(lab: Laboratory) -> None:
    report, model = lab.report, f"echo?id={lab.name()}&slots=1"
    with lab.client() as client:
        list(client.load(model))
        first = Asked(client, model, tokens=20, pace=0.002).until(wire.Delta)
        second, third = Asked(client, model), Asked(client, model, tokens=3, pace=0.0)
        second.cancel()
        for asked in (first, second, third):
            report.expect(asked.finish(ENDS), f"{model}: no end")
            report.ended(asked)
        client.status()
        client.unload(model)
        last = Asked(client, f"echo?id={lab.name()}", tokens=3, pace=0.0)
        report.expect(last.finish(ENDS), "no end after the unload")
        report.ended(last)
