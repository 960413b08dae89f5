"""Workers on a node of a cluster against workers on this machine: start, first token, time per token.

The node is this machine, reached by a command: what is measured is the way there and back."""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ai_pal.client import Client
from ai_pal.protocol import client as wire
from ai_pal.protocol.options import GenerationOptions
from scripts.benchmarks.figures import Row, alternate, row
from scripts.benchmarks.supervisors import Supervisor, supervisor

MODEL = "echo"
TOKENS = 20_000
SETTINGS = {"delta_interval": "0", "spare_worker": "false"}
WAIT_SECONDS, LOOK_SECONDS = 30.0, 0.05
MS = 1000.0


class Run(msgspec.Struct):
    """Seconds: of a load, from asking to the first token, and between two of them."""

    load: float
    first: float
    each: float


def side_by_side(pairs: int) -> Iterator[Row]:
    """One worker, one answer at a time."""
    with (
        supervisor(**SETTINGS) as here,
        on_a_node() as there,
        here.client() as local,
        there.client() as remote,
    ):
        measured(local)
        measured(remote)
        runs = alternate(pairs, lambda _: measured(local), lambda _: measured(remote))
    for where, found in zip(("here", "on a node"), runs, strict=True):
        yield row("a worker's start", [run.load * MS for run in found], "ms", subject=where)
        yield row("first token", [run.first * MS for run in found], "ms", subject=where)
        yield row("time per token", [run.each * MS for run in found], "ms", subject=where)


def measured(client: Client) -> Run:
    """A load and answers; then the worker is let go."""
    begun = time.perf_counter()
    list(client.load(MODEL))
    load = time.perf_counter() - begun
    answer(client, 1)
    first, _ = answer(client, 1)
    _, whole = answer(client, TOKENS)
    client.unload(MODEL)
    return Run(load, first, whole / TOKENS)


def answer(client: Client, tokens: int) -> tuple[float, float]:
    """Seconds to the first text, and to the end; as fast as it goes, so what waits is merged."""
    options, asked = GenerationOptions(extra={"tokens": tokens}), time.perf_counter()
    first = 0.0
    for event in client.chat("word", model=MODEL, options=options):
        if isinstance(event, wire.Delta):
            first = first or time.perf_counter() - asked
    return first, time.perf_counter() - asked


@contextmanager
def on_a_node(home: str = "", **settings: str) -> Iterator[Supervisor]:
    """A supervisor whose workers run beside an agent, once its node answers; that may have a `home` of its
    own."""
    with tempfile.TemporaryDirectory(prefix="ai-pal-bench-") as folder:
        file = Path(folder) / "config.toml"
        apart = f"env -u AI_PAL_HOME -u AI_PAL_MODEL_CACHE HOME={home} " if home else ""
        nodes = f"[cluster.nodes]\nnode = '{apart}{sys.executable}'\n"
        file.write_text(f'[cluster]\nengine = "command"\n{nodes}', encoding="utf-8")
        with supervisor(config=str(file), **SETTINGS, **settings) as running:
            await_node(running)
            yield running


def await_node(running: Supervisor) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    with running.client() as client:
        while not any(not node.silent and node.free for node in client.status().nodes):
            if time.monotonic() > deadline:
                raise RuntimeError("the node does not answer")
            time.sleep(LOOK_SECONDS)
