"""Promise 17: SIGTERM in a random state ends within 5 s, answers are ended, and nothing is left."""

import random
import signal
import time

from tests.chaos.laboratory import STOP, Laboratory
from tests.process.states import ALL_STATES, State, unread

FULL, SMALL = 500, 6
LATEST = 0.05
DEAF = 0.1


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round is one stop."""
    report = lab.report
    for report.round in range(1, rounds + 1):
        daemon = lab.daemon
        with lab.client() as client:
            answers = [one for state in _states(dice) for one in state(daemon, client, lab.name())]
            time.sleep(dice.uniform(0, LATEST))
            daemon.process.send_signal(signal.SIGTERM)
            for asked in answers:
                report.expect(asked.finish(STOP * report.slack), f"{asked.model}: silence after SIGTERM")
                report.ended(asked)
                report.expect(asked.end, f"{asked.model}: the connection ended before the answer")
            lab.terminated()


def _states(dice: random.Random) -> list[State]:
    """One or two states, that in which it stops already last; or a client that does not listen, alone."""
    if dice.random() < DEAF:
        return [unread]
    chosen = dice.sample(ALL_STATES, dice.randrange(1, 3))
    return sorted(chosen, key=lambda state: state.__name__ == "stopping")
