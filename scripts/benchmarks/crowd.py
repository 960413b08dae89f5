"""A thousand requests at once over five tiers that compute nothing: throughput, memory, fairness."""

import asyncio
import contextlib
import statistics
import time
from collections.abc import Iterator

import msgspec

from ai_pal.client import AsyncClient
from ai_pal.errors import Code
from ai_pal.protocol import client as wire
from ai_pal.protocol.options import GenerationOptions
from scripts.benchmarks.echo_clouds import echo_clouds
from scripts.benchmarks.figures import Row, row
from scripts.benchmarks.supervisors import Supervisor
from scripts.benchmarks.tiers import MODELS, clouds, with_tiers

REQUESTS, CLIENTS = 1000, 10
WORDS, PACE = 5, 0.1
FEWER = 4
LOOK_SECONDS = 0.1


class Crowd(msgspec.Struct):
    """One run: `waits` are the seconds to the first text by client, `memory` the bytes grown, the others
    count. Who is refused for now (`overloaded`) asks again when told to, and has waited all the time."""

    seconds: float = 0.0
    waits: list[list[float]] = []
    memory: int = 0
    answered: int = 0
    failed: int = 0
    refusals: int = 0


def thousand_at_once(pairs: int) -> Iterator[Row]:
    """A fifth of them to each tier, a tenth from each client."""
    settings = {"queue_size": str(REQUESTS)}
    with echo_clouds(WORDS, PACE) as url, with_tiers(clouds(url), **settings) as running:
        asyncio.run(_run(running, len(MODELS) * CLIENTS, 0))
        before = running.tree_memory()
        runs = [asyncio.run(_run(running, REQUESTS, before)) for _ in range(max(2, pairs // FEWER))]
    failed, refusals = (sum(getattr(one, field) for one in runs) for field in ("failed", "refusals"))
    yield row(
        f"{REQUESTS:,} requests at once over {len(MODELS)} tiers, answered",
        [one.answered / REQUESTS for one in runs],
        at_least=1.0,
        note=f"{failed} failed in {len(runs)} runs, {refusals:,} times somebody was told to come back",
    )
    yield row("  throughput", [one.answered / one.seconds for one in runs], "requests/s")
    yield row(
        "  memory per request, all processes of ours",
        [one.memory / REQUESTS / 1024 for one in runs],
        "KiB",
    )
    yield row("  longest / median mean wait of a client", [_fairness(one) for one in runs], "x")


def _fairness(run: Crowd) -> float:
    means = [statistics.mean(waits) for waits in run.waits if waits]
    return max(means) / statistics.median(means)


async def _run(running: Supervisor, requests: int, before: int) -> Crowd:
    crowd, peak = Crowd(waits=[[] for _ in range(CLIENTS)]), 0
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(AsyncClient(running.endpoint)) for _ in range(CLIENTS)]
        began = time.perf_counter()
        asking = asyncio.gather(
            *(_ask(clients[number % CLIENTS], number, crowd) for number in range(requests))
        )
        while not asking.done():
            peak = max(peak, running.tree_memory())
            await asyncio.wait([asking], timeout=LOOK_SECONDS)
        await asking
        crowd.seconds = time.perf_counter() - began
    crowd.memory = peak - before
    return crowd


async def _ask(client: AsyncClient, number: int, crowd: Crowd) -> None:
    asked, model = time.perf_counter(), MODELS[number // CLIENTS % len(MODELS)]
    first, end = await _once(client, model)
    while isinstance(end, wire.Failed) and end.reasons[-1].code == Code.OVERLOADED:
        crowd.refusals += 1
        await asyncio.sleep(end.reasons[-1].retry_after or 1.0)
        first, end = await _once(client, model)
    if isinstance(end, wire.Done):
        crowd.answered += 1
        crowd.waits[number % CLIENTS].append(first - asked)
    else:
        crowd.failed += 1


async def _once(client: AsyncClient, model: str) -> tuple[float, wire.AnyEvent | None]:
    """When the first text came, and the end."""
    options = GenerationOptions(extra={"tokens": WORDS, "pace": PACE} if model == "echo" else {})
    first, event = 0.0, None
    async for event in client.chat("word", model=model, options=options):
        if not first and isinstance(event, wire.Delta):
            first = time.perf_counter()
    return first, event
