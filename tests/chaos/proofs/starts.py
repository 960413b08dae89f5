"""Promise 15: of many simultaneous starts exactly one wins, whatever the last one left behind."""

import os
import random
import select
import signal
import subprocess
import sys
import time

import msgspec

from ai_pal.protocol.report import Report as StartReport
from tests.chaos.laboratory import Laboratory
from tests.process.eventually import allowed

FULL, SMALL = 3, 1
STARTS, FEW = 100, 10
SECONDS = 120.0


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round is a hundred starts at once (ten where it is to be small), on what a kill has left."""
    starts = FEW if rounds == SMALL else STARTS
    for lab.report.round in range(1, rounds + 1):
        daemon = lab.daemon
        lab.kill()
        begun = time.monotonic()
        outcomes = _start(starts, daemon.environ)
        lab.report.figures["starts at once"] = starts
        lab.report.figures["seconds until the last has reported"] = time.monotonic() - begun
        winners = [pid for pid, report in outcomes if report.failure is None and report.endpoint]
        silent = [pid for pid, report in outcomes if _is_silent(report)]
        codes = {str(report.failure.code) for _, report in outcomes if report.failure is not None}
        lab.report.expect(len(winners) == 1, f"{len(winners)} of {starts} starts have won")
        lab.report.expect(not silent, f"{len(silent)} of {starts} starts have said nothing")
        lab.report.expect(codes <= {"supervisor_running"}, f"the others say {codes}")
        with daemon.client() as client:
            lab.report.expect([client.welcome.pid] == winners, "somebody else answers")
        for pid in winners:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)


def _start(count: int, environ: dict[str, str]) -> list[tuple[int, StartReport]]:
    """Each start's pid and what it reported; all but the winner have ended."""
    started = []
    for _ in range(count):
        read, write = os.pipe()
        command = [sys.executable, "-P", "-m", "ai_pal", "supervise", "--report-fd", str(write)]
        process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL, pass_fds=[write], cwd="/")
        os.close(write)
        started.append((process, read))
    outcomes = [(process.pid, _report(read)) for process, read in started]
    for (process, _), (_, report) in zip(started, outcomes, strict=True):
        if _is_silent(report):
            process.kill()
        if not report.endpoint:
            process.wait(allowed(SECONDS))
    return outcomes


def _is_silent(report: StartReport) -> bool:
    return report.failure is None and not report.endpoint


def _report(read: int) -> StartReport:
    with os.fdopen(read, "rb", 0) as pipe:
        if not select.select([pipe], [], [], allowed(SECONDS))[0]:
            return StartReport()
        return msgspec.json.decode(pipe.readline() or b"{}", type=StartReport)
