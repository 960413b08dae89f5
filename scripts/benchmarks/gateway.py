"""The HTTP gateway: against llama.cpp's own HTTP server, and what it carries from an engine without cost."""

import asyncio
import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec

from ai_pal.catalog import CATALOG, artifact_path
from ai_pal.config import load_settings
from scripts.benchmarks.figures import Row, alternate, of_medians, row
from scripts.benchmarks.llama_server import WINDOW, llama_server
from scripts.benchmarks.supervisors import MODEL, Supervisor, cpu_seconds, supervisor
from workers.threads import default_count

TOKENS = 64
NO_END = {"logit_bias": {"2": -100.0}}
"""The starter's end mark is never chosen."""
TOGETHER = {1: 0.97, 4: 1.0, 16: 1.0}
"""Streams at once, and what of llama.cpp's tokens per second is to be reached."""
ECHO_STREAMS, ECHO_TOKENS = (64, 512), 64_000


class Served(msgspec.Struct):
    """Seconds to the first text of each stream, and tokens per second of all together; `events` that came."""

    firsts: list[float]
    speed: float
    events: int


@contextlib.contextmanager
def gateway(running: Supervisor) -> Iterator[tuple[str, int]]:
    """`ai-pal serve` before this supervisor: its address and its process id."""
    command = [sys.executable, "-P", "-m", "ai_pal", "serve", "--port", "0"]
    with subprocess.Popen(command, env=running.environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
            assert found is not None
            yield found[0], process.pid
        finally:
            process.terminate()


def against_llamacpp(pairs: int) -> Iterator[Row]:
    """The same model, slots and threads; both are asked in OpenAI's protocol."""
    artifact = CATALOG[MODEL].artifact
    assert artifact is not None
    model = artifact_path(artifact, load_settings().settings)
    slots, threads = max(TOGETHER), default_count()
    ours = f"{MODEL}?slots={slots}&context={WINDOW * slots}&threads={threads}"
    with supervisor() as running, gateway(running) as (mine, _), llama_server(model, slots, threads) as other:
        for server, name in ((mine, ours), (other, MODEL)):
            asked(server, name, 1, 0)
        for streams, share in TOGETHER.items():
            us, them = alternate(
                max(3, pairs // 2),
                lambda n, streams=streams: asked(mine, ours, streams, n),  # type: ignore[misc]
                lambda n, streams=streams: asked(other, MODEL, streams, n),  # type: ignore[misc]
            )
            speeds = [one.speed for one in us], [one.speed for one in them]
            yield of_medians(f"gateway / llama.cpp's server, {streams} at once", *speeds, at_least=share)
            if streams == 1:
                later = [1000 * (a.firsts[0] - b.firsts[0]) for a, b in zip(us, them, strict=True)]
                yield row("  first token later by", later, "ms", at_most=3.0)


def echoes(pairs: int) -> Iterator[Row]:
    """Text flat out through one gateway."""
    with supervisor() as running, gateway(running) as (server, pid):
        asked(server, "echo", 1, 0, 100)
        for streams in ECHO_STREAMS:
            runs, spent = [], []
            for number in range(max(3, pairs // 4)):
                before = cpu_seconds(pid)
                runs.append(asked(server, "echo", streams, number, ECHO_TOKENS // streams))
                spent.append(cpu_seconds(pid) - before)
            events = sum(run.events for run in runs)
            yield row(
                f"echo over HTTP, {streams} streams, flat out",
                [run.speed for run in runs],
                "tokens/s",
                note=f"{events / len(runs):,.0f} events; {1e6 * sum(spent) / events:.0f} us of CPU each",
            )


def asked(server: str, model: str, streams: int, number: int, tokens: int = TOKENS) -> Served:
    """So many answers at once, each to another question."""
    return asyncio.run(_asked(server, model, streams, number, tokens))


async def _asked(server: str, model: str, streams: int, number: int, tokens: int) -> Served:
    begun = time.perf_counter()
    reads = [_read(server, model, f"{number} {index}", tokens) for index in range(streams)]
    found = await asyncio.gather(*reads)
    seconds = time.perf_counter() - begun
    firsts = [first for first, _, _ in found]
    return Served(firsts, sum(count for _, count, _ in found) / seconds, sum(events for *_, events in found))


async def _read(server: str, model: str, name: str, tokens: int) -> tuple[float, int, int]:
    """One answer: seconds to its first text, its tokens by its usage, its events."""
    where = urlsplit(server)
    assert where.hostname is not None
    text = f"{name}: tell me about the sea. " if model != "echo" else "word " * tokens
    body = {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "stream": True,
        "stream_options": {"include_usage": True},
        **({} if model == "echo" else {"max_tokens": tokens, "temperature": 0.0, **NO_END}),
    }
    data = json.dumps(body).encode()
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/json\r\n"
    begun = time.perf_counter()
    writer.write(head.encode() + f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
    first, count, events = 0.0, 0, 0
    async for line in reader:
        if not line.startswith(b"data: "):
            continue
        if line.startswith(b"data: [DONE]"):
            break
        events += 1
        if not first and b'"content":"' in line and b'"content":""' not in line:
            first = time.perf_counter() - begun
        if usage := re.search(rb'"completion_tokens":(\d+)', line):
            count = int(usage[1])
    writer.close()
    return first, count, events
