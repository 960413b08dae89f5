"""The memory of each model: estimated, at the peak of a request that fills the window, and given back."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ai_pal.catalog import resolve
from ai_pal.catalog.weights import files
from ai_pal.client import Client
from ai_pal.config import load_settings
from ai_pal.memory.estimates import LearnedFootprints
from ai_pal.protocol import client as wire
from ai_pal.protocol.options import GenerationOptions
from scripts.benchmarks.cold_start import settle
from scripts.benchmarks.figures import Row, row, skipped
from scripts.benchmarks.models import SENTENCES, Model, absent, here, large
from scripts.benchmarks.supervisors import Supervisor, supervisor

FILLED, FILLED_QUICKLY = 0.9, 0.05
"""The part of the window that the prompt fills; little of it only shows that all this works."""

ENOUGH_PAIRS = 5

TOO_LITTLE, TOO_MUCH = 0.95, 1.15
FIRST_LITTLE, FIRST_MUCH = 0.75, 1.25
"""Before anything was learned of a model."""
LEFT_MB = 1.0
"""The supervisor's own notes about a model that it has had."""

GONE_SECONDS = 5.0
TOKENS = 16


class Memory(NamedTuple):
    """Bytes of one run: estimated, promised (with what many conversations may add), at the peak, in all
    processes afterwards more than before."""

    estimate: int
    promised: int
    peak: int
    left: int


def models_here(pairs: int) -> Iterator[Row]:
    """Everything on this machine; what is not is said."""
    for model in here():
        yield from measured(model, pairs)
    if SENTENCES.is_dir():
        sentences = Model(f"{SENTENCES.name} (transformers)", str(SENTENCES), files.size_of(str(SENTENCES)))
        yield from measured(sentences, pairs)
    for name in absent():
        yield skipped("estimate", f"not here: ai-pal pull {name}", subject=name)


def large_model(pairs: int) -> Iterator[Row]:
    yield from measured(large(), pairs)


def measured(model: Model, pairs: int) -> Iterator[Row]:
    """Twice under one supervisor: the second load knows the first one's peak."""
    filled = FILLED if pairs >= ENOUGH_PAIRS else FILLED_QUICKLY
    with supervisor(spare_worker="false", memory_low="0") as running, running.client() as client:
        list(client.load("echo"))
        client.unload("echo")
        first, second = (one_run(running, client, model.reference, filled) for _ in range(2))
    yield row("on disk", [model.size / 1e6], "MB", subject=model.name)
    yield row(f"peak, window {filled:.0%} full", [second.peak / 1e6], "MB", subject=model.name)
    yield row(
        "estimate / peak, first load",
        [first.estimate / first.peak],
        at_least=FIRST_LITTLE if filled == FILLED else None,
        at_most=FIRST_MUCH if filled == FILLED else None,
        subject=model.name,
    )
    yield row("promised for many conversations", [first.promised / 1e6], "MB", subject=model.name)
    yield row(
        "estimate / peak, later loads",
        [second.estimate / second.peak],
        at_least=TOO_LITTLE if filled == FILLED else None,
        at_most=TOO_MUCH if filled == FILLED else None,
        subject=model.name,
    )
    # The second time, for with its first load the supervisor itself grows: by modules that it had not needed.
    yield row("left after unload", [second.left / 1e6], "MB", at_most=LEFT_MB, subject=model.name)


def one_run(running: Supervisor, client: Client, reference: str, filled: float) -> Memory:
    """Load, fill a part of the window, unload."""
    settle(running)
    before = running.tree_memory()
    known = LearnedFootprints(Path(running.environ["AI_PAL_HOME"]) / "memory.json")
    estimate = known.need(resolve(reference, load_settings().settings))
    list(client.load(reference))
    [worker] = client.status().workers
    fill(client, reference, worker, filled)
    peak = peak_of(worker.pid)
    client.unload(reference)
    wait_gone(running)
    return Memory(estimate, worker.reserved, peak, max(0, running.tree_memory() - before))


def fill(client: Client, reference: str, worker: wire.WorkerStatus, filled: float) -> None:
    """Ask for what takes the most: this part of the window, or texts that long for their vectors."""
    text = "word " * int(worker.context * filled)
    if worker.abilities == ["embed"]:
        list(client.embed([text] * worker.slots, model=reference))
        return
    events = client.chat(text, model=reference, options=GenerationOptions(max_tokens=TOKENS))
    done = next(event for event in events if isinstance(event, wire.TERMINAL))
    if not isinstance(done, wire.Done):
        raise RuntimeError(done)


def wait_gone(running: Supervisor) -> None:
    """Until no process of the supervisor is left."""
    deadline = time.monotonic() + GONE_SECONDS
    while running.process.children(recursive=True) and time.monotonic() < deadline:
        time.sleep(0.02)


def peak_of(pid: int | None) -> int:
    """The most resident memory a process has had, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024
