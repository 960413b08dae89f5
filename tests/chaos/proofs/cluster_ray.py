"""Promise 21 on a Ray cluster: hosts, raylets, lines, agents, workers, and the head of Ray are lost."""

import random
import signal
import time
from itertools import product

from ai_pal.errors import AiPalError
from ai_pal.protocol import client as wire
from tests.chaos.laboratory import Laboratory, in_turn, send
from tests.chaos.losses import BY_LINE, PHASES, SETTLE, Victim, lose
from tests.chaos.proofs.cluster import VICTIMS as USUAL
from tests.chaos.proofs.cluster import killed
from tests.chaos.ray_site import RaySite
from tests.process.asked import Asked
from tests.process.states import named

EACH = 50
DEADLINE, LATE = 8.0, 1.0
"""Seconds that a request has while there is no head, and after which it has ended."""

FULL, SMALL = EACH * (len(PHASES) * (len(USUAL) + 1) + 1), 0


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round is one loss; each of them in each phase has its turn, and that of the head beside them."""
    with RaySite() as site:
        lab.configure(site.config, **site.environ)
        raylet = Victim(
            "raylet", killed(lambda lab, _, host: site.raylets(host)), BY_LINE,
            lambda lab, _, host: site.start_again(host),
        )  # fmt: skip
        victims = [*USUAL, raylet]
        losses: list[tuple[str, Victim | None]] = [*product(PHASES, victims), ("streaming", None)]
        for lab.report.round, (phase, victim) in enumerate(in_turn(dice, losses, rounds), 1):
            if victim is not None:
                lose(lab, site, dice, phase, victim)
            else:
                _lose_head(lab, site)
        lab.stop()


def _lose_head(lab: Laboratory, site: RaySite) -> None:
    """What is answered goes on, and what cannot be placed ends by its deadline. A minute later Ray ends: it
    is started anew before."""
    report = lab.report
    with lab.client() as client:
        asked = Asked(client, named(lab.name())).until(wire.Delta)
        for pid in site.heads():
            send(pid, signal.SIGKILL)
        begun = time.monotonic()
        try:
            client.ask("still here", model=named(lab.name()), deadline=DEADLINE)
        except AiPalError as error:
            report.outcomes[f"without a head ({error.code})"] += 1
        report.took("an end where there is no head", time.monotonic() - begun, DEADLINE + LATE)
        heard = len(asked.events)
        asked.cancel()
        report.expect(asked.finish(SETTLE), "no end after a cancel without Ray's head")
        report.expect(len(asked.events) > heard + 1, "nothing more was heard without Ray's head")
        report.expect(isinstance(asked.end, wire.Cancelled), f"an answer ended with Ray's head: {asked.end}")
        report.ended(asked)
    lab.stop()
    site.stop()
    site.start()
