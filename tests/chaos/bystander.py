"""An answer that runs beside everything else and must not notice anything of it."""

import threading
import time

from ai_pal.protocol import client as wire
from tests.chaos.laboratory import Laboratory
from tests.process.asked import Asked

PACE = 0.02
GAP = 1.0
"""Seconds within which the next word must come, whatever befalls others."""
SETTLE = 60.0


class Bystander:
    """One endless answer, heard in a thread of its own; a new one under each new supervisor."""

    def __init__(self, lab: Laboratory) -> None:
        self._lab = lab
        self._thread: threading.Thread | None = None
        self._asked: Asked | None = None

    def looks(self, gap: float = GAP) -> None:
        """The answer is still coming; it begins when there is none."""
        if self._asked is None:
            self._begin()
        asked, report = self._asked, self._lab.report
        assert asked is not None
        heard, begun = len(asked.events), time.monotonic()
        while len(asked.events) <= heard + 1 and time.monotonic() - begun < gap * report.slack:
            time.sleep(0.005)
        report.took("the bystander's next word", time.monotonic() - begun, gap)
        report.expect(asked.end is None, f"the bystander's answer ended: {asked.end}")

    def over(self) -> None:
        """The supervisor has ended, and so must the answer."""
        if self._thread is None or self._asked is None:
            return
        self._thread.join(SETTLE)
        self._lab.report.expect(not self._thread.is_alive(), "the bystander still listens to nobody")
        self._lab.report.ended(self._asked)
        self._asked = self._thread = None

    def _begin(self) -> None:
        started = threading.Event()
        self._thread = threading.Thread(target=self._listen, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(SETTLE)

    def _listen(self, started: threading.Event) -> None:
        with self._lab.daemon.client() as client:
            self._asked = Asked(client, f"echo?id={self._lab.name()}", pace=PACE).until(wire.Delta)
            started.set()
            self._asked.finish(3600.0)
