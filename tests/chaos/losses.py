"""What is lost of a cluster, in which phase of a request, and what has to follow: the request ends once, the
client hears of it, nothing computes on, nothing is left."""

import random
import subprocess
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
import psutil

from ai_pal.client import Client
from ai_pal.errors import AiPalError
from ai_pal.protocol import client as wire
from ai_pal.protocol.client import NodeStatus
from tests.chaos.laboratory import Laboratory
from tests.chaos.leftovers import Leftovers
from tests.chaos.site import HOSTS, Site
from tests.chaos.tally import Tally
from tests.process.asked import Asked
from tests.process.eventually import eventually
from tests.process.states import named
from tests.process.supervised import gone, status_of

SETTINGS: dict[str, object] = {"start_timeout": 30, "beat_timeout": 10, "load_stall": 60, "engine_stall": 60}
SETTLE = 60.0
LATEST = 0.2
COMPUTES = 3.0
"""Seconds that are left to a worker that was lost."""

BY_PROCESS, BY_LINE = 0.2, 3.5
"""Seconds until the client hears: of a process, of a line or a host that says nothing more."""

KEPT = 30.0
"""Seconds that something may be left for: a worker until it was idle for too long, an agent that nobody
welcomes until it gives up."""

MOST_BREAKS = 5
"""Turns that may break off before the whole proof does."""

TOKENS, PACE = 30, 0.01
LOADS, READS = 2.0, 2.0

Begin = Callable[[Client, str], Asked | None]
Strike = Callable[[Laboratory, Site, str], float]
"""Returns when it struck."""

Standing = tuple[int, str, str]
"""Of a worker: its pid, its state and its host, as the supervisor tells them."""


class Victim(msgspec.Struct, frozen=True):
    """`hears`: within how many seconds a client does. `mends` makes good what has no end of its own; with
    `ends_all` the supervisor goes along."""

    name: str
    strike: Strike
    hears: float = BY_PROCESS
    mends: Callable[[Laboratory, Site, str], None] = lambda lab, site, host: None
    ends_all: bool = False


def _placing(client: Client, model: str) -> Asked:
    asked = Asked(client, model, tokens=TOKENS, pace=PACE)
    eventually(lambda: (status := status_of(client, model)) and status.node)
    return asked


def _loading(client: Client, model: str) -> Asked:
    asked = Asked(client, model, tokens=TOKENS, pace=PACE)
    eventually(lambda: _standing(client, model)[1] == "loading")
    return asked


def _prefill(client: Client, model: str) -> Asked:
    asked = Asked(client, model, tokens=TOKENS, pace=PACE, prefill_seconds=READS)
    eventually(lambda: (status := status_of(client, model)) and status.active)
    return asked


def _first_token(client: Client, model: str) -> Asked:
    return Asked(client, model).until(wire.Delta)


def _streaming(client: Client, model: str) -> Asked:
    asked = Asked(client, model).until(wire.Delta)
    for event in asked.stream.within(SETTLE):
        asked.events.append(event)
        if isinstance(event, wire.TERMINAL) or len(asked.text.split()) >= TOKENS:
            break
    return asked


def _idle(client: Client, model: str) -> None:
    list(client.load(model, keep_alive=SETTLE))


PHASES: dict[str, Begin] = {
    "placing": _placing, "loading": _loading, "prefill": _prefill, "first token": _first_token,
    "streaming": _streaming, "idle": _idle,
}  # fmt: skip


def each_loss(
    lab: Laboratory, dice: random.Random, losses: Sequence[tuple[str, Victim]], rounds: int,
    play: Callable[[Iterator[tuple[str, Victim]]], None],
) -> None:  # fmt: skip
    """Play so many of these losses. Where one breaks off that is told, and all is built anew for the next."""
    lab.report.tally = Tally((victim.name, phase) for phase, victim in losses)
    turns = lab.turns(dice, losses, rounds)
    for left in reversed(range(MOST_BREAKS)):
        try:
            play(turns)
        except (AssertionError, AiPalError, OSError, psutil.Error, subprocess.SubprocessError) as error:
            if not left:
                raise
            traceback.print_exc()
            lab.report.expect(False, f"it broke off: {error!r}")
        else:
            return


def lose(lab: Laboratory, site: Site, dice: random.Random, phase: str, victim: Victim) -> None:
    """One loss, and all that follows."""
    flaws = len(lab.report.broken)
    try:
        _lose(lab, site, dice, phase, victim)
    except AssertionError as error:
        raise AssertionError(f"{phase}, {victim.name}: {error}") from error
    if len(lab.report.broken) > flaws:
        lab.report.broken[-1] += f" [{phase}, {victim.name}]"


def _lose(lab: Laboratory, site: Site, dice: random.Random, phase: str, victim: Victim) -> None:
    report = lab.report
    model = model_for(lab, phase)
    with lab.client() as client:
        await_nodes(lab, client)
        asked = PHASES[phase](client, model)
        time.sleep(dice.uniform(0, LATEST))
        before = _standing(client, model)
        host = before[-1]
        if not report.expect(host in HOSTS, f"{model} is on no node: {before}"):
            return
        computing = site.workers([host])
        left = Leftovers(lambda: [pid for pid in computing if not gone(pid)])
        struck = victim.strike(lab, site, host)
        with ThreadPoolExecutor(1) as beside:
            over = beside.submit(left.wait, COMPUTES * report.slack)
            if victim.ends_all:
                heard = _hears_the_end(lab, asked, victim, struck)
            else:
                heard = _hears(lab, client, asked, before, victim, struck, model)
            seconds, still = over.result()
    if heard is not None:
        report.tally.heard(victim.name, phase, heard)
    report.orphans += len(still)
    report.took(f"computing after the loss of a {victim.name}", seconds, COMPUTES)
    report.expect(not still, f"{len(still)} workers compute {COMPUTES:g} s after the {victim.name} was lost")
    victim.mends(lab, site, host)
    _nothing_is_left(lab, site)
    report.tally.count(victim.name, phase)


def model_for(lab: Laboratory, phase: str) -> str:
    """One that nobody has loaded yet; slow to load where it is to be struck then."""
    return named(lab.name(), f"&load_seconds={LOADS}" if phase == "loading" else "")


def _hears_the_end(lab: Laboratory, asked: Asked | None, victim: Victim, struck: float) -> float | None:
    """That its supervisor has gone: after how long, where there was somebody to hear it."""
    heard = None
    if asked is not None and lab.report.expect(
        asked.finish(victim.hears * lab.report.slack), "nobody told its end"
    ):
        heard = _took(lab, victim, struck)
        lab.report.ended(asked)
    return heard


def _took(lab: Laboratory, victim: Victim, struck: float) -> float:
    """How long a client did not hear of it."""
    seconds = time.monotonic() - struck
    lab.report.took(f"the client hears of a {victim.name}", seconds, victim.hears)
    return seconds


def _hears(
    lab: Laboratory, client: Client, asked: Asked | None, before: Standing, victim: Victim, struck: float,
    model: str,
) -> float | None:  # fmt: skip
    """Of an answer that had begun by its end; of others by what is told of the worker. Where there is none
    yet, by who answers in its place. After how long, where that can be told."""
    report, limit, heard = lab.report, victim.hears, None
    began = asked is not None and bool(asked.text)
    if asked is not None and began:
        if report.expect(asked.finish(limit * report.slack), f"silence after the loss of a {victim.name}"):
            heard = _took(lab, victim, struck)
            report.expect(isinstance(asked.end, wire.Interrupted), f"it ended with {asked.end}")
    elif before[1] in ("loading", "ready", "busy"):
        eventually(lambda: _standing(client, model) != before, SETTLE)
        heard = _took(lab, victim, struck)
    if asked is None:
        asked = Asked(client, model, tokens=TOKENS, pace=PACE)
    if report.expect(asked.finish(SETTLE * report.slack), f"no end after the loss of a {victim.name}"):
        if not began:
            what = f"another worker's answer, after a {victim.name}"
            report.took(what, time.monotonic() - struck, SETTLE)
            report.expect(isinstance(asked.end, wire.Done), f"nobody answered: {asked.end}")
        report.ended(asked)
    client.unload(model, timeout=SETTLE)
    return heard


def _standing(client: Client, model: str) -> Standing:
    status = status_of(client, model)
    return (0, "", "") if status is None else (status.pid or 0, status.state, status.node)


def await_nodes(lab: Laboratory, client: Client) -> None:
    """All hosts can take a worker."""
    begun = time.monotonic()
    eventually(lambda: set(HOSTS) <= {node.name for node in client.status().nodes if _answers(node)})
    lab.report.took("until all nodes answer", time.monotonic() - begun, SETTLE)


def _answers(node: NodeStatus) -> bool:
    return not node.silent and node.free > 0


def _nothing_is_left(lab: Laboratory, site: Site) -> None:
    """Neither agent nor worker, on any host."""
    begun = time.monotonic()
    eventually(lambda: not [*site.agents(), *site.workers()], SETTLE)
    lab.report.took("until nothing is left on any host", time.monotonic() - begun, KEPT)
