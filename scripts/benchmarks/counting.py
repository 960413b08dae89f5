"""Token counts through the real client: with no weights loaded, and beside the loaded model."""

import time
from collections.abc import Iterator
from pathlib import Path

from ai_pal.client import Client
from scripts.benchmarks.figures import Row, row
from scripts.benchmarks.models import large
from scripts.benchmarks.streams import through
from scripts.benchmarks.supervisors import MODEL, supervisor

AT_ONCE = 50
TEXT = "Count the tokens of prompt number {}, tools and template included, and load no weights for it. "


def without_weights(pairs: int) -> Iterator[Row]:
    yield from _counted(pairs, MODEL)


def large_without_weights(pairs: int) -> Iterator[Row]:
    """The 1.5-billion model."""
    yield from _counted(pairs, large().reference)


def _counted(pairs: int, model: str) -> Iterator[Row]:
    first, memory, alone = [], [], []
    for _ in range(pairs):
        with supervisor() as running, running.client() as client:
            first.append(_fifty(client, model, 1))
            alone.append(_fifty(client, model))
            (status,) = client.status().workers
            memory.append(status.memory / 1e6)
    with supervisor() as running, running.client() as client:
        through(client, model, -1)
        beside = [_fifty(client, model) for _ in range(pairs)]
    name = Path(model).stem
    yield row(f"first count of {name}, its vocabulary loaded for it", first, "s")
    yield row("  memory of that", memory, "MB")
    yield row(f"{AT_ONCE} counts one after the other, no weights loaded", alone, "s", at_most=1.0)
    yield row(f"{AT_ONCE} counts beside the loaded model", beside, "s", at_most=1.0)


def _fifty(client: Client, model: str, count: int = AT_ONCE) -> float:
    """Seconds for so many counts, each of another prompt."""
    begun = time.perf_counter()
    for number in range(count):
        client.count_tokens(TEXT.format(number) * 8, model=model, system="Be brief.")
    return time.perf_counter() - begun
