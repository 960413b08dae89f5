"""Blows: each is one entry of `FAULTS`, what it strikes, and what has to follow.

A new kind (an Ollama that dies, a provider that stalls) is one more entry, and a scene it fits."""

import os
import random
import signal
import time
from collections.abc import Callable

import msgspec

from ai_pal.client import Client
from ai_pal.protocol import client as wire
from tests.chaos.laboratory import SETTINGS, Laboratory, send
from tests.chaos.scenes import Going

DEATH = 1.0
HANG = float(str(SETTINGS["beat_timeout"])) + 2.0
NAP = (0.05, 1.0)
"""Seconds that the supervisor is stopped for: well below what its workers or clients give up at."""

Strike = Callable[[Laboratory, Client, Going, random.Random], None]


class Fault(msgspec.Struct, frozen=True):
    """`on` names the kinds of scenes it fits. `ends` is within how many seconds answers that had begun on
    the struck worker end by themselves, 0 where they go on; `supervisor` is what becomes of that."""

    name: str
    strike: Strike
    on: tuple[str, ...]
    ends: float = 0.0
    supervisor: str = "lives"
    weight: int = 1


def _signal_worker(number: signal.Signals) -> Strike:
    def strike(lab: Laboratory, client: Client, going: Going, dice: random.Random) -> None:
        if going.pid:
            send(going.pid, number)

    return strike


def _kill_supervisor(lab: Laboratory, client: Client, going: Going, dice: random.Random) -> None:
    lab.kill()


def _end_supervisor(lab: Laboratory, client: Client, going: Going, dice: random.Random) -> None:
    lab.daemon.process.terminate()


def _nap(lab: Laboratory, client: Client, going: Going, dice: random.Random) -> None:
    pid = lab.daemon.process.pid
    os.kill(pid, signal.SIGSTOP)
    time.sleep(dice.uniform(*NAP))
    os.kill(pid, signal.SIGCONT)


def _signal_visitor(number: signal.Signals) -> Strike:
    def strike(lab: Laboratory, client: Client, going: Going, dice: random.Random) -> None:
        assert going.visitor is not None
        going.visitor.send_signal(number)
        going.visitor.wait()

    return strike


def _cancel(lab: Laboratory, client: Client, going: Going, dice: random.Random) -> None:
    for asked in going.answers:
        asked.cancel()


def _unload(lab: Laboratory, client: Client, going: Going, dice: random.Random) -> None:
    client._exchange.begin(wire.Unload(2_000_000, going.model))  # goes on while others ask


STOPPED = "stopped worker"
ALL = ("worker", STOPPED, "egress", "visitor", "nothing")
MODEL = ("worker", "visitor")
FAULTS = [
    Fault("SIGKILL to the worker", _signal_worker(signal.SIGKILL), (*MODEL, STOPPED), DEATH, weight=4),
    Fault("SIGTERM to a stopped worker", _signal_worker(signal.SIGTERM), (STOPPED,), HANG, weight=2),
    Fault("SIGTERM to the worker", _signal_worker(signal.SIGTERM), MODEL, DEATH, weight=2),
    Fault("SIGSTOP to the worker", _signal_worker(signal.SIGSTOP), MODEL, HANG, weight=2),
    Fault("SIGKILL to the egress process", _signal_worker(signal.SIGKILL), ("egress",), weight=3),
    Fault("SIGTERM to the egress process", _signal_worker(signal.SIGTERM), ("egress",), weight=2),
    Fault("SIGSTOP to the egress process", _signal_worker(signal.SIGSTOP), ("egress",), weight=2),
    Fault("SIGKILL to the client", _signal_visitor(signal.SIGKILL), ("visitor",), weight=4),
    Fault("SIGTERM to the client", _signal_visitor(signal.SIGTERM), ("visitor",), weight=2),
    Fault("cancel", _cancel, ("worker", STOPPED, "egress"), weight=2),
    Fault("unload", _unload, ("worker", STOPPED), weight=2),
    Fault("SIGSTOP to the supervisor", _nap, ALL, weight=2),
    Fault("SIGKILL to the supervisor", _kill_supervisor, ALL, DEATH, "killed"),
    Fault("SIGTERM to the supervisor", _end_supervisor, ALL, DEATH, "terminated"),
]


def fitting(kind: str, dice: random.Random) -> Fault:
    """A fault for this kind of scene."""
    fit = [fault for fault in FAULTS if kind in fault.on]
    return dice.choices(fit, [fault.weight for fault in fit])[0]
