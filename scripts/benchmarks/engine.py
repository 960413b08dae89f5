"""The starter model through client, supervisor and worker, against the same engine in-process."""

import asyncio
import statistics
import time
from collections.abc import Iterator

from ai_pal.client import AsyncClient
from ai_pal.protocol import client as wire
from scripts.benchmarks.children import child
from scripts.benchmarks.figures import Row, alternate, ratio, row
from scripts.benchmarks.streams import options, question, through
from scripts.benchmarks.supervisors import MODEL, supervisor

SHORT, SHORT_PAIRS = 4, 15
"""Tokens of answers that are asked for their first token alone, and how many more of them there are: on a
shared machine it differs by more than what is looked for."""


def whole_path(pairs: int) -> Iterator[Row]:
    """Tokens per second, and what is added to the time to the first token."""
    with child("engine", MODEL) as inside, supervisor() as running, running.client() as client:
        through(client, MODEL, -1)
        inside.answer(-1)
        ours, theirs = alternate(pairs, lambda _: through(client, MODEL, -1), lambda _: inside.answer(-1))
        firsts, their_firsts = alternate(
            pairs * SHORT_PAIRS,
            lambda _: through(client, MODEL, -1, SHORT),
            lambda _: inside.answer(-1, SHORT),
        )
    yield ratio(
        "whole path / in-process, tokens/s",
        [one.speed for one in ours],
        [one.speed for one in theirs],
        at_least=0.93,
        aim=0.97,
    )
    extra = [(a.first - b.first) * 1e3 for a, b in zip(firsts, their_firsts, strict=True)]
    base = statistics.median(one.first for one in their_firsts) * 1e3
    yield row(
        "  added to the first token", extra, "ms", at_most=2.0, aim=1.0, note=f"in-process {base:.1f} ms"
    )


def two_clients(pairs: int) -> Iterator[Row]:
    """Two clients at once, together, against one alone."""
    with supervisor() as running:
        measure(running.endpoint, -1, 2)
        alone, together = alternate(
            pairs,
            lambda n: measure(running.endpoint, 3 * n, 1),
            lambda n: measure(running.endpoint, 3 * n + 1, 2),
        )
    yield ratio("two clients together / one alone", together, alone, at_least=1.0)


def measure(endpoint: str, number: int, clients: int) -> float:
    """Tokens per second of all clients together, from asking to the last token."""

    async def one(which: int) -> int:
        async with AsyncClient(endpoint) as client:
            events = client.chat(question(number + which), model=MODEL, options=options())
            return sum([event.n async for event in events if isinstance(event, wire.Delta)])

    async def all_of_them() -> float:
        begun = time.perf_counter()
        counts = await asyncio.gather(*map(one, range(clients)))
        return sum(counts) / (time.perf_counter() - begun)

    return asyncio.run(all_of_them())
