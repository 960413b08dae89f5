"""What one gateway carries from an engine that costs nothing, in many streams at once."""

import pstats
import statistics
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from scripts.benchmarks.figures import Row, row
from scripts.benchmarks.gateways import PLAIN, Gateway, gateway
from scripts.benchmarks.sse_client import Served, ask, chat_body, held
from scripts.benchmarks.supervisors import supervisor

TOKENS_AT_ONCE = 64_000
STREAMS = (64, 512)
OFFERED = ((1, 100), (64, 33_000), (512, 33_000))
"""Streams, and tokens a second of all together, when each is to be an event of its own."""
SECONDS = 6.0
"""So long that what its requests cost does not count."""
EXTRA = 3
"""Events of an answer that are no token: its role, its end, its usage."""
ENOUGH = 30_000
"""Events a second of many streams."""
OPEN, SETTLED = 1000, 100
"""Streams that are open at once; behind the first ones memory grows evenly."""
LONG, SLOWLY = 100, 5.0
PROFILED = (64, 4_000)
LAYERS = {
    "the kernel: a socket's send": ("'send' of '_socket",),
    "asyncio": ("/asyncio/", "_asyncio", "_contextvars"),
    "uvicorn, starlette": ("/uvicorn/", "/starlette/"),
    "ZeroMQ": ("/zmq/", "ai_pal/transport/"),
    "client": ("ai_pal/client/", "ai_pal/protocol/", "msgpack"),
    "gateway": ("ai_pal/gateway/", "msgspec._core.encode"),
}


def flat_out(pairs: int) -> Iterator[Row]:
    """What waits becomes one event, as it would for a slow reader."""
    with supervisor(delta_interval="0") as running, gateway(running) as server:
        ask(server.url, [chat_body("echo", _words(100))])
        for streams in STREAMS:
            bodies = [chat_body("echo", _words(TOKENS_AT_ONCE // streams))] * streams
            runs, spent = _runs(server, lambda bodies=bodies: ask(server.url, bodies), pairs)  # type: ignore[misc]
            merged = sum(run.tokens for run in runs) / sum(run.events for run in runs)
            cpu = f"{statistics.median(spent):.0f} us of the gateway's CPU each"
            name, speeds = f"echo over HTTP, {streams} streams, flat out", [run.speed for run in runs]
            yield row(name, speeds, "tokens/s", note=f"{merged:.0f} tokens an event, {cpu}")


def alone(pairs: int) -> Iterator[Row]:
    """Paced and staggered: each token is an event of its own."""
    with supervisor(delta_interval="0") as running, gateway(running) as server:
        for streams, rate in OFFERED:
            pace = streams / rate
            model = f"echo?pace={pace}"
            bodies = [chat_body(model, _words(int(SECONDS / pace)))] * streams
            ask(server.url, [chat_body(model, "word")])
            runs, spent = _runs(
                server,
                lambda bodies=bodies, pace=pace: ask(server.url, bodies, pace),  # type: ignore[misc]
                pairs,
            )
            own = sum(run.events - EXTRA * streams for run in runs) / sum(run.tokens for run in runs)
            cpu = f"{statistics.median(spent):.0f} us of the gateway's CPU each"
            yield row(
                f"echo over HTTP, {streams} streams, {rate:,} tokens/s offered",
                [run.events / run.seconds for run in runs],
                "events/s",
                at_least=ENOUGH if streams > 1 else None,
                note=f"{own:.0%} of the tokens alone, {cpu}",
            )


def open_streams(_: int) -> Iterator[Row]:
    """A thousand that hardly say anything."""
    body = chat_body(f"echo?pace={SLOWLY}", _words(LONG))
    with supervisor(queue_size=str(2 * OPEN), delta_interval="0") as running, gateway(running) as server:
        with held(server.url, [body] * SETTLED):
            pass
        with held(server.url, [body] * SETTLED):
            before = server.memory()
            with held(server.url, [body] * (OPEN - SETTLED)):
                grown = (server.memory() - before) / (OPEN - SETTLED) / 1024
    yield row(f"memory per open stream, {OPEN:,} of them", [grown], "KiB", at_most=64)


def profile(_: int) -> Iterator[Row]:
    """Where the time of an event goes, by a profiler, which makes what is written in Python look dearer."""
    streams, rate = PROFILED
    pace = streams / rate
    model = f"echo?pace={pace}"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "profile"
        python = ("-m", "cProfile", "-o", str(file), *PLAIN[1:])
        with supervisor(delta_interval="0") as running:
            with gateway(running, python) as server:
                ask(server.url, [chat_body(model, "word")])
                ask(server.url, [chat_body(model, _words(int(SECONDS / pace)))] * streams, pace)
            shares = _shares(pstats.Stats(str(file)))
    for layer, share in shares.items():
        yield row(f"of an event's time: {layer}", [100 * share], "%")


def _shares(stats: pstats.Stats) -> dict[str, float]:
    """The layers' own time; what waits and what is done once, at the start, is left out."""
    spent: Counter[str] = Counter()
    for (file, _, name), (_, calls, own, *_) in stats.stats.items():  # type: ignore[attr-defined]
        where = f"{file} {name}"
        layer = next((layer for layer, marks in LAYERS.items() if any(mark in where for mark in marks)), "")
        if layer and calls > PROFILED[1]:
            spent[layer] += own
    total = sum(spent.values())
    return {layer: spent[layer] / total for layer in LAYERS}


def _runs(server: Gateway, run: Callable[[], Served], pairs: int) -> tuple[list[Served], list[float]]:
    """Some runs, and microseconds of CPU per event of each."""
    runs, spent = [], []
    for _ in range(max(3, pairs // 4)):
        before = server.cpu()
        runs.append(run())
        spent.append(1e6 * (server.cpu() - before) / runs[-1].events)
    return runs, spent


def _words(count: int) -> str:
    return "word " * count
