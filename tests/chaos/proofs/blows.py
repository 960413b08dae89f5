"""Random blows in random states: whatever is struck, answers end once and what is left serves the next.

One round sets a scene, strikes, and looks at everything afterwards."""

import random
import time

from ai_pal.client import Client
from ai_pal.errors import AiPalError
from tests.chaos.bystander import Bystander
from tests.chaos.faults import Fault, fitting
from tests.chaos.laboratory import STOP, Laboratory
from tests.chaos.scenes import SCENES, Going, Scene
from tests.hub.loopback import loopback_hub
from tests.process.asked import SECONDS, Asked
from tests.process.supervised import status_of

FULL, SMALL = 500, 12
LATEST = 0.05
CANCELLED, COMPUTED, UNLOADED = 0.1, 1.0, 6.0
GROWTH, FDS = 12_000_000, 2


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round is one blow."""
    with loopback_hub() as hub:
        lab.connect(hub)
        bystander, report = Bystander(lab), lab.report
        for report.round in range(1, rounds + 1):
            scene = dice.choices(SCENES, [scene.weight for scene in SCENES])[0]
            fault = fitting(scene.kind, dice)
            flaws = len(report.broken)
            bystander.looks()
            _round(lab, dice, scene, fault, bystander)
            report.figures[fault.name] = report.figures.get(fault.name, 0) + 1
            if len(report.broken) > flaws:
                report.broken[-1] += f" [{scene.name}, {fault.name}]"
            hub.gate.set()
        bystander.looks()
        _nothing_is_left(lab, bystander)


def _round(lab: Laboratory, dice: random.Random, scene: Scene, fault: Fault, bystander: Bystander) -> None:
    with lab.client() as client:
        going = scene.begin(lab, client)
        begun = [asked for asked in going.answers if asked.text]
        time.sleep(dice.uniform(0, LATEST))
        fault.strike(lab, client, going, dice)
        struck = time.monotonic()
        if fault.supervisor == "lives":
            _settle(lab, client, going, begun if fault.ends else [], struck, fault)
            bystander.looks()
        else:
            _end_with_the_supervisor(lab, going, fault)
            bystander.over()
            if going.visitor is not None:
                going.visitor.kill()
    if going.visitor is not None:
        going.visitor.wait()


def _settle(
    lab: Laboratory, client: Client, going: Going, ending: list[Asked], struck: float, fault: Fault
) -> None:
    report = lab.report
    for asked in ending:
        report.expect(asked.finish(fault.ends * report.slack), f"{asked.model}: no end after {fault.name}")
        report.took(f"end after {fault.name}", time.monotonic() - struck, fault.ends)
    cancelled = time.monotonic()
    for asked in going.answers:
        asked.cancel()
        report.expect(asked.finish(SECONDS), f"{asked.model}: no end after a cancel")
        report.took("cancelled is heard", time.monotonic() - cancelled, CANCELLED)
        report.ended(asked)
    if "client" in fault.name:
        _wait_idle(lab, client, going.model)
        report.took("computing ends after a client's death", time.monotonic() - struck, COMPUTED)
    if going.visitor is not None:
        going.visitor.kill()
    if going.model:
        _unload(lab, client, going.model)


def _wait_idle(lab: Laboratory, client: Client, model: str) -> None:
    deadline = time.monotonic() + SECONDS
    while (status := status_of(client, model)) and status.active and time.monotonic() < deadline:
        time.sleep(0.005)


def _unload(lab: Laboratory, client: Client, model: str) -> None:
    begun = time.monotonic()
    try:
        client.unload(model, timeout=30)
    except AiPalError as error:
        lab.report.expect(False, f"{model}: not unloaded: {error}")
    lab.report.took("unload of what was struck", time.monotonic() - begun, UNLOADED)


def _end_with_the_supervisor(lab: Laboratory, going: Going, fault: Fault) -> None:
    report = lab.report
    for asked in going.answers:
        report.expect(asked.finish(STOP * report.slack), f"{asked.model}: silence after {fault.name}")
        report.ended(asked)
        fine = fault.supervisor == "killed" or asked.end is not None
        report.expect(fine, f"{asked.model}: no end from a supervisor that was stopped")
    if fault.supervisor == "terminated":
        lab.terminated()


def _nothing_is_left(lab: Laboratory, bystander: Bystander) -> None:
    """Under a fresh supervisor: many models and clients come and go, nothing is kept."""
    report = lab.report
    lab.stop()
    bystander.over()
    lab.is_sound()
    before = lab.held()
    for _ in range(10):
        lab.is_sound()
    after = lab.held()
    report.figures["descriptors kept"] = after.fds - before.fds
    report.figures["sockets kept"] = after.sockets - before.sockets
    report.figures["memory kept (MB)"] = round((after.memory - before.memory) / 1e6, 1)
    report.expect(after.fds - before.fds <= FDS, f"descriptors: {before.fds}, then {after.fds}")
    report.expect(after.memory - before.memory < GROWTH, f"memory: {before.memory}, then {after.memory}")
