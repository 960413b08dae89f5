"""Promise 7: random loads and reaps in a control group of 2 GiB, some at once: the kernel need not kill."""

import random
import threading
from collections import Counter

from ai_pal.client import Client
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol import client as wire
from tests.chaos.laboratory import Laboratory
from tests.chaos.memory_group import memory_group
from tests.process.answers import ask

FULL, SMALL = 500, 12
SETTINGS: dict[str, object] = {"memory_low": "200MB", "memory_wait": 20}
LIMIT = 2 << 30
CLIENTS = 3
SIZES = (50, 200, 400, 700, 1000, 1400, 1900, 3000)
"""Megabytes that a model takes."""

FINE = {Code.INSUFFICIENT_MEMORY, Code.UNLOADED}


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round is one sequence of a few steps."""
    report, outcomes = lab.report, Counter[str]()
    lab.stop()
    with memory_group(LIMIT) as group:
        with group.entered():
            lab.daemon  # noqa: B018 - it starts in the group
        seeds = [dice.randrange(1 << 32) for _ in range(CLIENTS)]
        lanes = [
            threading.Thread(target=_lane, args=(lab, random.Random(seed), rounds // CLIENTS + 1, outcomes))
            for seed in seeds
        ]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
        lab.stop()
        report.expect(group.killed() == 0, f"{group.killed()} processes were killed for want of memory")
    report.outcomes.update(outcomes)
    report.requests = outcomes.total()
    report.expect(outcomes["answered"], "nothing was ever answered")
    report.expect(outcomes[Code.INSUFFICIENT_MEMORY], "nothing was ever refused: no proof")


def _lane(lab: Laboratory, dice: random.Random, sequences: int, outcomes: Counter[str]) -> None:
    try:
        with lab.client() as client:
            for _ in range(sequences):
                outcomes.update(_step(client, dice) for _ in range(dice.randrange(2, 6)))
    except (AiPalError, AssertionError) as error:
        lab.report.expect(False, f"a step ended otherwise: {error!r}")


def _step(client: Client, dice: random.Random) -> str:
    """What came of it."""
    model = f"echo?id={dice.randrange(2)}&leak_mb={dice.choice(SIZES)}"
    try:
        match dice.randrange(4):
            case 0:
                client.unload(model if dice.random() < 0.7 else "")
                return "unloaded"
            case 1:
                list(client.load(model, keep_alive=dice.choice([0, 0.2, 60])))
                return "loaded"
            case _:
                end = list(ask(client, model, tokens=dice.randrange(1, 30)))[-1]
                if isinstance(end, wire.Failed):
                    raise AiPalError(end.reasons[-1])
                assert isinstance(end, wire.Done), end
                return "answered"
    except AiPalError as error:
        if error.code not in FINE:
            raise
        return str(error.code)
