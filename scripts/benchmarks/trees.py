"""Two checkouts that are compared: each with a supervisor of its own, all driven by the same client."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TypeVar

import msgspec

from scripts.benchmarks.figures import Row, figure, row, sure_of_median
from scripts.benchmarks.raw_client import RawClient, Traffic
from scripts.benchmarks.supervisors import Supervisor, cpu_seconds, supervisor

LOST = 1.05
"""How many times as much as before something may cost."""

WARMED_BY = 8
"""Answers before anything is measured: what is made once is there then."""

Sample = TypeVar("Sample")


class Tree(msgspec.Struct, frozen=True):
    """A checkout with its virtual environment."""

    root: Path

    @property
    def python(self) -> str:
        return str(self.root / ".venv/bin/python")

    @property
    def command(self) -> str:
        return str(self.root / ".venv/bin/ai-pal")


OURS = Tree(Path(__file__).resolve().parents[2])


class Spent(msgspec.Struct, frozen=True):
    """What a run of `traffic` took: CPU seconds of the supervisor and of the worker."""

    traffic: Traffic
    supervisor: float
    worker: float

    @property
    def seconds_per_token(self) -> float:
        return self.traffic.seconds / self.traffic.tokens


class Running:
    """A supervisor of a tree with the echo engine loaded, and a client of it."""

    def __init__(self, supervisor: Supervisor, client: RawClient) -> None:
        self.supervisor, self.client = supervisor, client
        client.answers(WARMED_BY, 1)
        [self.worker] = client.worker_pids()

    def spent(self, streams: int, tokens: int, pace: float = 0.0) -> Spent:
        """So many answers at once of so many tokens each."""
        here, there = self.supervisor.cpu(), cpu_seconds(self.worker)
        traffic = self.client.answers(streams, tokens, pace)
        return Spent(traffic, self.supervisor.cpu() - here, cpu_seconds(self.worker) - there)


@contextmanager
def running(tree: Tree) -> Iterator[Running]:
    with supervisor(tree.python, delta_interval="0") as started, RawClient(started.endpoint) as client:
        yield Running(started, client)


def against(
    name: str,
    now: Sequence[Sample],
    before: Sequence[Sample],
    figure_of: Callable[[Sample], float],
    unit: str,
    *,
    judged: bool = True,
) -> Row:
    """Pair by pair: what it costs now of what it cost before."""
    ours, theirs = [figure_of(one) for one in now], [figure_of(one) for one in before]
    shares = [a / b for a, b in zip(ours, theirs, strict=True)]
    low, high = sure_of_median(shares)
    medians = f"{figure(median(ours))} against {figure(median(theirs))} {unit}".rstrip()
    note = f"{medians}; 95 %: {low:.2f} .. {high:.2f}"
    return row(name, shares, "x", at_most=LOST if judged else None, note=note)
