"""Promise 6: `cancelled` comes within 100 ms, computing ends within a step, the worker serves the next."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

from ai_pal.client import Client
from ai_pal.protocol import client as wire
from tests.chaos.laboratory import Laboratory
from tests.process.answers import PROMPT
from tests.process.asked import SECONDS, Asked
from tests.process.eventually import eventually
from tests.process.supervised import pid_of, status_of

FULL, SMALL = 1000, 24
LANES = 3
HEARD, STEP = 0.1, 1.0
MOMENTS = ("decoding", "prefill", "queued", "at once")


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round is one cancel. Each lane has a model with one slot."""
    seeds = [dice.random() for _ in range(LANES)]
    with ThreadPoolExecutor(LANES) as pool:
        list(pool.map(lambda lane: _lane(lab, random.Random(seeds[lane]), rounds // LANES), range(LANES)))


def _lane(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    model = f"echo?id={lab.name()}&slots=1"
    with lab.client() as client:
        list(client.load(model, keep_alive=-1))
        worker = pid_of(client, model)
        for _ in range(rounds):
            _cancel_once(lab, client, model, dice)
        lab.report.expect(pid_of(client, model) == worker, f"{model}: the worker was replaced")
        client.unload(model)


def _cancel_once(lab: Laboratory, client: Client, model: str, dice: random.Random) -> None:
    report, moment = lab.report, dice.choice(MOMENTS)
    ahead = [Asked(client, model).until(wire.Delta)] if moment == "queued" else []
    asked = Asked(client, model, pace=0.005, prefill_seconds=600 if moment == "prefill" else 0)
    if moment == "queued":
        asked.until(wire.Queued)
    elif moment == "prefill":
        eventually(lambda: (status := status_of(client, model)) and status.active)
    elif moment == "decoding":
        asked.until(wire.Delta)
    time.sleep(dice.uniform(0, 0.05) if moment != "at once" else 0)
    cancelled_at = time.monotonic()
    for one in (asked, *ahead):
        one.cancel()
        report.expect(one.finish(SECONDS), f"{moment}: never ended")
        report.ended(one)
    report.took("cancelled is heard", time.monotonic() - cancelled_at, HEARD)
    while (status := status_of(client, model)) and status.active and time.monotonic() < cancelled_at + 30:
        time.sleep(0.005)
    report.took(f"computing ends ({moment})", time.monotonic() - cancelled_at, STEP)
    said = client.ask(PROMPT, model=model, deadline=SECONDS).text
    report.expect(said == PROMPT + " ", f"the next request hears {said!r}")
