"""Promise 4: SIGKILL the supervisor in each state; no process of it is there a second later."""

import random
import time

from tests.chaos.laboratory import Laboratory
from tests.process.states import ALL_STATES, State

EACH = 200
FULL, SMALL = EACH * len(ALL_STATES), 4
LOST = 1.0
LATEST = 0.05


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round is one death; each state has its turn."""
    for state in lab.turns(dice, ALL_STATES, rounds):
        flaws = len(lab.report.broken)
        _die_in(lab, dice, state)
        if len(lab.report.broken) > flaws:
            lab.report.broken[-1] += f" [{state.__name__}]"


def _die_in(lab: Laboratory, dice: random.Random, state: State) -> None:
    report, daemon = lab.report, lab.daemon
    with lab.client() as client:
        answers = state(daemon, client, lab.name())
        time.sleep(dice.uniform(0, LATEST))
        lab.kill()
        for asked in answers:
            heard = asked.finish(LOST * report.slack)
            report.expect(heard, f"{asked.model}: the client does not hear that the supervisor is gone")
            report.ended(asked)
