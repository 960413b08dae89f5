"""Promise 8: what the ledger and the history have acknowledged survives a SIGKILL at any moment."""

import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from ai_pal.conversations.records import Kept
from ai_pal.conversations.store import Conversations
from ai_pal.store.database import open_database
from tests.chaos.laboratory import Laboratory
from tests.chaos.report import Report
from tests.chaos.store_writer import said

FULL, SMALL = 1000, 20
ROUNDS_PER_FILE = 50
"""A fresh database now and then: its first steps are interrupted too, and checks stay quick."""

PATIENCE = 30.0
EARLY = 0.25
"""The share of kills before anything is acknowledged: while Python starts, tables are made."""


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round is one writer that is killed."""
    kept = 0
    with tempfile.TemporaryDirectory(prefix="ai-pal-chaos-") as folder:
        for number in range(rounds):
            lab.report.round = number
            file = Path(folder) / f"{number // ROUNDS_PER_FILE}.db"
            acknowledged = _killed_writer(file, f"tag{number}", dice)
            kept += len(acknowledged)
            _check(lab.report, file, f"tag{number}", acknowledged)
    lab.report.figures["acknowledged rows"] = kept
    lab.report.expect(kept > rounds, "hardly anything was acknowledged: nothing is proven")


def _killed_writer(file: Path, tag: str, dice: random.Random) -> list[str]:
    """What a writer acknowledged before it was killed."""
    command = [sys.executable, "-m", "tests.chaos.store_writer", str(file), tag]
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as writer:
        assert writer.stdout is not None
        heard = b""
        if dice.random() < EARLY:
            time.sleep(dice.uniform(0, 0.3))
        else:
            wanted, deadline = dice.randint(1, 80), time.monotonic() + PATIENCE
            while heard.count(b"\n") < wanted:
                assert select.select([writer.stdout], [], [], deadline - time.monotonic())[0], "no news"
                piece = writer.stdout.read(65_536)
                assert piece, "the writer ended by itself"
                heard += piece
            time.sleep(dice.uniform(0, 0.005))
        writer.send_signal(signal.SIGKILL)
        heard += writer.stdout.read()
        writer.wait(PATIENCE)
    return heard.decode().splitlines()


def _check(report: Report, file: Path, tag: str, acknowledged: list[str]) -> None:
    attempts = {int(line[2:]) for line in acknowledged if line.startswith("L")}
    turns = {int(line[2:]) for line in acknowledged if line.startswith("H")}
    with closing(open_database(file)) as database:
        intact = database.execute("PRAGMA integrity_check").fetchall()
        report.expect(intact == [("ok",)], f"{file.name}: {intact}")
        database.execute("INSERT INTO words (words) VALUES ('integrity-check')")
        rows = database.execute("SELECT at FROM attempts WHERE request = ?", (tag,)).fetchall()
    lost = attempts - {int(at) for (at,) in rows}
    report.expect(not lost, f"{len(lost)} of {len(attempts)} acknowledged attempts are lost")
    with closing(Conversations(file)) as store:
        shown = [store.show(head.id) for head in store.heads() if head.title == tag]
    report.expect(shown or not turns, "an acknowledged conversation is lost")
    _check_turns(report, tag, shown, turns)


def _check_turns(report: Report, tag: str, shown: Iterable[Kept], turns: set[int]) -> None:
    """All acknowledged turns are there, each whole and in its place, and none is half there."""
    for kept in shown:
        there = len(kept.messages) // 2
        expected = [message for number in range(there) for message in said(tag, number)]
        report.expect(kept.messages == expected, f"{tag}: the turns are not what was said")
        report.expect(turns <= set(range(there)), f"{tag}: {there} turns of {len(turns)} acknowledged ones")
