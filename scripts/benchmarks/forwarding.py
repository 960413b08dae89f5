"""Tokens through the supervisor from an engine that costs nothing: many streams, many clients."""

import asyncio
import statistics
import time
from collections.abc import Iterator

import msgspec

from ai_pal.client import AsyncClient
from ai_pal.protocol import client as wire
from ai_pal.protocol.options import GenerationOptions
from scripts.benchmarks.figures import Row, row
from scripts.benchmarks.supervisors import Supervisor, supervisor

TOKENS_AT_ONCE = 64_000
STREAMS = (1, 64, 512)
OFFERED = ((1, 4_000), (512, 4_000), (64, 20_000), (64, 50_000))
"""Streams, and tokens a second of all together, when each is to travel as a delta of its own."""
SECONDS = 2.0
MEMORY_STREAMS, MEMORY_CLIENTS = 512, 100


class Run(msgspec.Struct):
    """Tokens and deltas that arrived, seconds, and CPU seconds that the supervisor spent."""

    tokens: int
    deltas: int
    seconds: float
    cpu: float


def echo_streams(pairs: int) -> Iterator[Row]:
    """Flat out: what waits is merged, as it would be for a slow reader."""
    runs: dict[int, list[Run]] = {streams: [] for streams in STREAMS}
    with supervisor(delta_interval="0") as running:
        asyncio.run(run(running, 1, 100))
        for _ in range(pairs):
            for streams in STREAMS:
                runs[streams].append(asyncio.run(run(running, streams, TOKENS_AT_ONCE // streams)))
    for streams in STREAMS:
        deltas = sum(one.deltas for one in runs[streams]) / sum(one.seconds for one in runs[streams])
        yield row(
            f"echo, {streams} streams, flat out",
            [one.tokens / one.seconds for one in runs[streams]],
            "tokens/s",
            at_least=20_000 if streams == 64 else None,
            aim=50_000 if streams == 64 else None,
            note=f"merged into {deltas:,.0f} deltas/s",
        )
    cost = {n: [one.seconds / one.tokens for one in runs[n]] for n in STREAMS}
    yield row(
        "  time per token at 512 streams / at 1",
        [a / b for a, b in zip(cost[512], cost[1], strict=True)],
        "x",
        at_most=1.5,
    )


def unmerged(pairs: int) -> Iterator[Row]:
    """Paced and staggered, so that nothing waits: each token is a delta of its own."""
    runs: dict[tuple[int, int], list[Run]] = {offer: [] for offer in OFFERED}
    with supervisor(delta_interval="0") as running:
        asyncio.run(run(running, 1, 100))
        for _ in range(max(3, pairs // 4)):
            for streams, rate in OFFERED:
                pace = streams / rate
                one = asyncio.run(run(running, streams, int(SECONDS / pace), pace))
                runs[streams, rate].append(one)
    for (streams, rate), series in runs.items():
        own = sum(one.deltas for one in series) / sum(one.tokens for one in series)
        cost = statistics.median(one.cpu / one.deltas * 1e6 for one in series)
        yield row(
            f"echo, {streams} streams, {rate:,} tokens/s offered",
            [one.tokens / one.seconds for one in series],
            "tokens/s",
            note=f"{own:.0%} as a delta of their own, {cost:.0f} us of the supervisor's CPU each",
        )
    at_one, at_512 = (runs[offer] for offer in OFFERED[:2])
    yield row(
        "  CPU per delta at 512 streams / at 1",
        [a.cpu / a.deltas / (b.cpu / b.deltas) for a, b in zip(at_512, at_one, strict=True)],
        "x",
        at_most=1.5,
    )


def memory(_: int) -> Iterator[Row]:
    """What an open stream, and a connected client, add to the supervisor."""
    with supervisor(delta_interval="0") as running:
        asyncio.run(run(running, MEMORY_STREAMS, 20))
        streams = asyncio.run(held(running, 1, MEMORY_STREAMS))
        clients = asyncio.run(held(running, MEMORY_CLIENTS, 1))
    yield row(f"memory per stream, {MEMORY_STREAMS} of one client", [streams / MEMORY_STREAMS / 1024], "KiB")
    yield row(
        f"  per client with one stream, {MEMORY_CLIENTS} clients", [clients / MEMORY_CLIENTS / 1024], "KiB"
    )


async def run(running: Supervisor, streams: int, tokens: int, pace: float = 0.0) -> Run:
    """`streams` answers of `tokens` tokens to one client."""
    options = GenerationOptions(extra={"tokens": tokens, "pace": pace})
    total = Run(0, 0, 0.0, 0.0)

    async def one(client: AsyncClient, delay: float) -> None:
        await asyncio.sleep(delay)
        async for event in client.chat("word", model="echo", options=options):
            if isinstance(event, wire.Delta):
                total.tokens += event.n
                total.deltas += 1

    async with AsyncClient(running.endpoint) as client:
        cpu, begun = running.cpu(), time.perf_counter()
        await asyncio.gather(*(one(client, pace * index / streams) for index in range(streams)))
        total.seconds, total.cpu = time.perf_counter() - begun, running.cpu() - cpu
    return total


async def held(running: Supervisor, clients: int, streams: int) -> int:
    """Bytes that the supervisor grows by while these streams are open."""
    endless = GenerationOptions(extra={"tokens": 1_000_000, "pace": 1.0})
    opened = asyncio.Semaphore(0)

    async def one(client: AsyncClient) -> None:
        async for event in client.chat("word", model="echo", options=endless):
            if isinstance(event, wire.Started):
                opened.release()

    before = running.memory()
    connected = [await AsyncClient(running.endpoint).__aenter__() for _ in range(clients)]
    tasks = [asyncio.create_task(one(client)) for client in connected for _ in range(streams)]
    for _ in tasks:
        await opened.acquire()
    grown = running.memory() - before
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for client in connected:
        await client.__aexit__(None, None, None)
    return grown
