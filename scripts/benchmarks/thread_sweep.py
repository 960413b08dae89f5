"""Decode speed by thread count, libgomp setting and competitor: what workers/threads.py rests on.

The last two subjects are what a worker does, and xllamacpp's own HTTP server with its defaults.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import nullcontext

from scripts.benchmarks.children import Child, child, model_path, over_http
from scripts.benchmarks.figures import Row, row
from scripts.benchmarks.streams import Stream
from scripts.benchmarks.supervisors import MODEL
from scripts.benchmarks.threads import LIMIT, competitor, speeds

SETTINGS: dict[str, dict[str, str]] = {
    "library default": {},
    "GOMP_SPINCOUNT=0": {"GOMP_SPINCOUNT": "0"},
    "GOMP_SPINCOUNT=1000": {"GOMP_SPINCOUNT": "1000"},
    "GOMP_SPINCOUNT=150": {"GOMP_SPINCOUNT": "150"},
}
TOKENS = 48
FEWER = 4


def sweep(pairs: int) -> Iterator[Row]:
    """Quiet, and beside one busy process."""
    rounds = max(1, pairs // FEWER)
    path = model_path(MODEL)
    counts = range(1, len(os.sched_getaffinity(0)) + 1)
    for count, setting in itertools.product(counts, SETTINGS):
        subject = f"{count} thread{'s' if count > 1 else ''}, {setting}"
        yield from both(subject, ("bare", path, str(count)), SETTINGS[setting], rounds)
    yield from both("a worker", ("engine", MODEL), {}, rounds)
    yield from both("its HTTP server", ("http", path, "0"), {}, rounds)


def both(subject: str, arguments: tuple[str, ...], setting: dict[str, str], rounds: int) -> Iterator[Row]:
    """Each in a process of its own: libgomp reads its settings once."""
    for column, beside in (("quiet", nullcontext), ("beside a busy process", competitor)):
        with child(*arguments, **setting) as engine:
            stream(engine, -1)
            with beside():
                found = [stream(engine, number) for number in range(rounds)]
        yield row(column, speeds(found), "tokens/s", subject=subject)


def stream(engine: Child, number: int) -> Stream:
    address = engine.hello.get("address")
    return over_http(address, number, LIMIT, TOKENS) if address else engine.answer(number, TOKENS)
