"""Promise 21 on a Ray cluster: hosts, raylets, lines, agents, workers, and the head of Ray are lost."""

import random
import signal
import time
from collections.abc import Iterator
from itertools import product

from ai_pal.errors import AiPalError
from ai_pal.protocol import client as wire
from tests.chaos.laboratory import Laboratory, send
from tests.chaos.losses import BY_LINE, PHASES, SETTLE, Victim, await_nodes, each_loss, lose, model_for
from tests.chaos.proofs.cluster import VICTIMS as USUAL
from tests.chaos.proofs.cluster import killed
from tests.chaos.ray_site import RaySite
from tests.chaos.site import Site
from tests.process.answers import ENDLESS
from tests.process.asked import Asked
from tests.process.states import named

EACH = 50
DEADLINE, LATE = 8.0, 1.0
"""Seconds that a request has while there is no head, and after which it has ended."""


def _of_ray(site: Site) -> RaySite:
    assert isinstance(site, RaySite)
    return site


def _kill_head(lab: Laboratory, site: Site, host: str) -> float:
    struck = time.monotonic()
    for pid in _of_ray(site).heads():
        send(pid, signal.SIGKILL)
    return struck


RAYLET = Victim(
    "raylet", killed(lambda lab, site, host: _of_ray(site).raylets(host)), BY_LINE,
    lambda lab, site, host: _of_ray(site).start_again(host),
)  # fmt: skip
HEAD = Victim("head of Ray", _kill_head)
LOSSES = list(product(PHASES, [*USUAL, RAYLET, HEAD]))
FULL, SMALL = EACH * len(LOSSES), 0


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round is one loss; each of them in each phase has its turn."""

    def play(losses: Iterator[tuple[str, Victim]]) -> None:
        with RaySite() as site:
            lab.configure(site.config, **site.environ)
            for phase, victim in losses:
                if victim is HEAD:
                    _lose_head(lab, site, phase)
                else:
                    lose(lab, site, dice, phase, victim)
            lab.stop()

    each_loss(lab, dice, LOSSES, rounds, play)


def _lose_head(lab: Laboratory, site: RaySite, phase: str) -> None:
    """What has a worker goes on, and what cannot be placed ends by its deadline. A minute later Ray ends: it
    is started anew before."""
    report = lab.report
    with lab.client() as client:
        await_nodes(lab, client)
        asked = PHASES[phase](client, model_for(lab, phase))
        begun = HEAD.strike(lab, site, "")
        try:
            client.ask("still here", model=named(lab.name()), deadline=DEADLINE)
        except AiPalError as error:
            report.outcomes[f"without a head ({error.code})"] += 1
        report.took("an end where there is no head", time.monotonic() - begun, DEADLINE + LATE)
        if asked is not None:
            _goes_on(lab, asked, phase)
    lab.stop()
    site.stop()
    site.start()
    report.tally.count(HEAD.name, phase)


def _goes_on(lab: Laboratory, asked: Asked, phase: str) -> None:
    """Without Ray's head: to its end, or until it is called off. What has no worker yet may get none."""
    report, heard, endless = lab.report, len(asked.events), asked.wanted == ENDLESS
    if endless or phase == "placing":
        asked.cancel()
    report.expect(asked.finish(SETTLE), "no end without Ray's head")
    report.expect(phase == "placing" or len(asked.events) > heard + endless, "nothing more without its head")
    ends = (wire.Cancelled, wire.Done) if phase == "placing" else wire.Cancelled if endless else wire.Done
    report.expect(isinstance(asked.end, ends), f"an answer ended with Ray's head: {asked.end}")
    report.ended(asked)
