"""Promise 5: a worker that hangs in any way is found within its budget; a slow one is left alone."""

import os
import random
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from ai_pal.client import Client
from ai_pal.protocol import client as wire
from tests.chaos.laboratory import SETTINGS, Laboratory
from tests.chaos.turns import in_turn
from tests.process.answers import PROMPT
from tests.process.asked import SECONDS, Asked
from tests.process.eventually import eventually
from tests.process.supervised import pid_of

FULL, SMALL = 800, 4
AT_ONCE = 4
BEATS, STEPS, LOADS = float(str(SETTINGS["beat_timeout"])), 3.0, 3.0
REPLACE = 1.5
"""Seconds between two beats, and for the end of the process."""


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round is one way to hang or to be slow; several at once, each has its turn."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda way: way(lab, lab.name()), in_turn(dice, WAYS, rounds)))
    killed = lab.daemon.logged("worker_phase", phase="killing")
    slow = [line for line in killed if "slow=1" in line["model"]]
    lab.report.expect(not slow, f"slow workers were killed: {slow}")


def _hangs(fault: str, budget: float) -> Callable[[Laboratory, str], None]:
    def hang(lab: Laboratory, name: str) -> None:
        with lab.client() as client:
            asked = Asked(client, f"echo?id={name}", None, **{fault: 5})
            asked.until(wire.Delta)
            _is_found(lab, asked, fault, budget + 0.05)

    return hang


def _stopped(lab: Laboratory, name: str) -> None:
    with lab.client() as client:
        asked = Asked(client, f"echo?id={name}").until(wire.Delta)
        os.kill(pid_of(client, asked.model), signal.SIGSTOP)
        _is_found(lab, asked, "SIGSTOP", BEATS)


def _is_found(lab: Laboratory, asked: Asked, what: str, budget: float) -> None:
    report, begun = lab.report, time.monotonic()
    report.expect(asked.finish(3 * (budget + REPLACE)), f"{what}: not found")
    report.took(f"{what} found", time.monotonic() - begun, budget + REPLACE)
    report.expect(isinstance(asked.end, wire.Interrupted), f"{what}: {asked.end}")
    report.ended(asked)
    report.expect(_answers(asked.client, asked.model), f"{what}: not replaced")


def _load_hangs(lab: Laboratory, name: str) -> None:
    report, model = lab.report, f"echo?id={name}&load_hang=true"
    with lab.client() as client:
        begun, asked = time.monotonic(), Asked(client, model)
        eventually(lambda: lab.daemon.logged("worker_phase", model=model, phase="killing"), within=60)
        report.took("a load that hangs found", time.monotonic() - begun, LOADS + 1 + REPLACE)
        asked.cancel()
        report.expect(asked.finish(SECONDS), f"{model}: not cancelled")
        report.ended(asked)


def _slow(options: str, **extra: object) -> Callable[[Laboratory, str], None]:
    def crawl(lab: Laboratory, name: str) -> None:
        with lab.client() as client:
            asked = Asked(client, f"echo?id={name}&slow=1{options}", None, tokens=4, **extra)
            lab.report.expect(asked.finish(60), f"slow {options}{extra}: no end")
            lab.report.expect(isinstance(asked.end, wire.Done), f"slow {options}{extra}: {asked.end}")
            lab.report.ended(asked)

    return crawl


def _answers(client: Client, model: str) -> bool:
    return client.ask(PROMPT, model=model, deadline=SECONDS).text == PROMPT + " "


WAYS = [
    _hangs("block_at", BEATS), _hangs("hold_gil_at", BEATS), _hangs("hang_at", STEPS), _stopped, _load_hangs,
    _slow("", prefill_seconds=6.0), _slow("&load_seconds=6"), _slow("", pace=1.5),
]  # fmt: skip
