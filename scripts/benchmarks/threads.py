"""The default number of threads against the others and against xllamacpp's HTTP server."""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from scripts.benchmarks.children import child, model_path, over_http
from scripts.benchmarks.figures import Row, ratio, row
from scripts.benchmarks.streams import Stream, through
from scripts.benchmarks.supervisors import MODEL, supervisor
from workers.threads import default_count

TOKENS = 64
LIMIT = 4.0
"""Seconds after which a stream is cut: the slowest make less than a token a second."""

NO_SLOWER, NO_LATER_MS = 0.97, 1.0
"""Not slower, give or take what the same thing measured twice differs by."""

Series = dict[str, list[Stream]]


def default_threads(pairs: int) -> Iterator[Row]:
    """Quiet, and beside one busy process."""
    counts = range(1, len(os.sched_getaffinity(0)) + 1)
    path = model_path(MODEL)
    with (
        supervisor() as running,
        running.client() as client,
        child("http", path, "0") as its_default,
        child("http", path, str(default_count())) as equal,
    ):
        models = {"default": MODEL} | {str(count): f"{MODEL}?threads={count}" for count in counts}
        servers = {"http": str(its_default.hello["address"]), "http equal": str(equal.hello["address"])}

        def measured(number: int, series: Series) -> None:
            # Each has its turn to be first: what ran before leaves its mark on who comes next.
            names = [*models, *servers]
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                if name in models:
                    stream = through(client, models[name], number, TOKENS, LIMIT)
                else:
                    stream = over_http(servers[name], number, LIMIT, TOKENS)
                series.setdefault(name, []).append(stream)

        measured(-1, {})
        quiet: Series = {}
        busy: Series = {}
        for pair in range(pairs):
            measured(pair, quiet)
        with competitor():
            for pair in range(pairs):
                measured(pair, busy)
    names = [str(count) for count in counts]
    yield against_best("default threads / best count, quiet", quiet, names, 0.75)
    yield against_best("  beside a busy process", busy, names, 0.6)
    ours, theirs = speeds(busy["default"]), speeds(busy["http"])
    yield ratio("  beside a busy process / HTTP server's defaults", ours, theirs, at_least=5)
    ours, theirs = speeds(quiet["default"]), speeds(quiet["http equal"])
    yield ratio("equal threads / HTTP server, tokens/s", ours, theirs, at_least=NO_SLOWER)
    pairwise = zip(quiet["default"], quiet["http equal"], strict=True)
    later = [(a.first - b.first) * 1e3 for a, b in pairwise]
    yield row("  first token later than there", later, "ms", at_most=NO_LATER_MS)


def against_best(name: str, series: Series, names: list[str], target: float) -> Row:
    best = max(names, key=lambda one: statistics.median(speeds(series[one])))
    found = ratio(name, speeds(series["default"]), speeds(series[best]), at_least=target)
    found.note += f" with {best} threads"
    return found


def speeds(streams: list[Stream]) -> list[float]:
    """Never zero: a stream that made one token in its time made less than this."""
    return [one.speed or 1 / LIMIT for one in streams]


@contextmanager
def competitor() -> Iterator[None]:
    """One process that wants a whole core."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()
