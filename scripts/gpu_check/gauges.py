"""How much memory a model takes, where it lies: on a card by its driver, on the CPU by its process."""

from pathlib import Path
from typing import Protocol

from ai_pal.catalog import resolve
from ai_pal.config import load_settings
from ai_pal.memory.cards import Cards
from ai_pal.memory.estimates import LearnedFootprints, blocks_of
from ai_pal.memory.placement import RESERVE
from ai_pal.protocol.client import WorkerStatus
from scripts.benchmarks.estimates import peak_of
from scripts.benchmarks.supervisors import Supervisor


class Gauge(Protocol):
    """Bytes."""

    def estimate(self, reference: str, home: Path) -> int:
        """What a load of it is expected to take."""

    def used(self, running: Supervisor) -> int:
        """What is taken now, by whomever."""

    def taken(self, running: Supervisor, worker: WorkerStatus, before: int) -> int:
        """What this worker has come to, where `before` was used without it."""


class OfCard:
    def __init__(self, device: str) -> None:
        self._cards, self._device = Cards(), device

    def estimate(self, reference: str, home: Path) -> int:
        blocks = blocks_of(resolve(reference, load_settings().settings))
        assert blocks is not None
        return sum(blocks.sizes) + RESERVE

    def used(self, running: Supervisor) -> int:
        seen = [*self._cards.look("transformers"), *self._cards.look("llamacpp")]
        card = next(one for one in seen if one.name == self._device)
        return card.total - card.free

    def taken(self, running: Supervisor, worker: WorkerStatus, before: int) -> int:
        return self.used(running) - before


class OfProcess:
    def estimate(self, reference: str, home: Path) -> int:
        known = LearnedFootprints(home / "memory.json")
        return known.need(resolve(reference, load_settings().settings))

    def used(self, running: Supervisor) -> int:
        """Without the supervisor, which grows by modules that it had not needed."""
        return running.tree_memory() - running.memory()

    def taken(self, running: Supervisor, worker: WorkerStatus, before: int) -> int:
        return peak_of(worker.pid)


def gauge_of(device: str) -> Gauge:
    return OfProcess() if device == "cpu" else OfCard(device)
