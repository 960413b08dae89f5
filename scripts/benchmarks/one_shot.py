"""`ai-pal chat PROMPT` from the start of the process to the first byte of the answer."""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from ai_pal.client import Client
from ai_pal.config import paths
from scripts.benchmarks.children import child
from scripts.benchmarks.figures import Row, row
from scripts.benchmarks.starting import COMMAND, spent
from scripts.benchmarks.streams import question, through
from scripts.benchmarks.supervisors import MODEL, own_home, supervisor

IMPORTS = [sys.executable, "-c", "import zmq, msgspec, asyncio"]


def warm_and_cold(pairs: int) -> Iterator[Row]:
    """With a loaded model, and with nothing running at all."""
    with supervisor() as running, running.client() as client:
        through(client, MODEL, -1)
        added, imports = [], []
        for _ in range(pairs):
            shot = first_byte(running.environ)
            imports.append(spent(IMPORTS))
            added.append((shot - imports[-1] - through(client, MODEL, -1, 1).first) * 1e3)
    note = f"importing takes {statistics.median(imports) * 1e3:.0f} ms"
    yield row(
        "one-shot, warm: start to first token, above imports and model", added, "ms", at_most=100, note=note
    )
    above = [cold() for _ in range(pairs)]
    yield row("one-shot, cold: start to first token, above load", above, "s", at_most=1.5)


def first_byte(environ: dict[str, str]) -> float:
    """Seconds from the start to the first byte on stdout."""
    system, user = question(-1)
    command = [*COMMAND, "chat", "--system", system.content, "--max-tokens", "4", user.content]
    begun = time.perf_counter()
    with subprocess.Popen(
        command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdout
        if not process.stdout.read(1):
            raise RuntimeError("no answer")
        found = time.perf_counter() - begun
        process.stdout.read()
    return found


def cold() -> float:
    """One chat that starts the supervisor and loads the model, less what the engine takes to load."""
    with child("engine", MODEL) as inside:
        load = float(inside.hello["seconds"])
    with own_home() as environ:
        found = first_byte(environ)
        with Client(f"ipc://{paths.run_dir(environ) / 'front.sock'}") as client:
            client.stop()
            client.wait_gone(10)
    return found - load
