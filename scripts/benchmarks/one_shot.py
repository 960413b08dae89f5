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
from scripts.benchmarks.starting import COMMAND
from scripts.benchmarks.streams import question, through
from scripts.benchmarks.supervisors import MODEL, own_home, supervisor

IMPORTS = [sys.executable, "-c", "import zmq, msgspec, asyncio, os; os.write(1, b'.')"]


def warm_and_cold(pairs: int) -> Iterator[Row]:
    """With a loaded model, and with nothing running at all."""
    with supervisor() as running, running.client() as client:
        through(client, MODEL, -1)
        added, imports = [], []
        for _ in range(pairs):
            shot = chat(running.environ)
            imports.append(first_byte(IMPORTS, running.environ))
            added.append((shot - imports[-1] - through(client, MODEL, -1, 1).first) * 1e3)
    note = f"importing takes {statistics.median(imports) * 1e3:.0f} ms"
    yield row(
        "one-shot, warm: start to first token, above imports and model", added, "ms", at_most=100, note=note
    )
    above = [cold() for _ in range(pairs)]
    yield row("one-shot, cold: start to first token, above load", above, "s", at_most=1.5)


def chat(environ: dict[str, str]) -> float:
    """Seconds from the start of a one-shot to its first text."""
    system, user = question(-1)
    arguments = ["chat", "--system", system.text, "--max-tokens", "4", user.text]
    return first_byte([*COMMAND, *arguments], environ)


def first_byte(command: list[str], environ: dict[str, str]) -> float:
    """Seconds from the start of the command to the first byte on its stdout."""
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
        found = chat(environ)
        with Client(f"ipc://{paths.run_dir(environ) / 'front.sock'}") as client:
            client.stop()
            client.wait_gone(10)
    return found - load
