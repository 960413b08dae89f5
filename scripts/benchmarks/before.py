"""This tree against another one, as a rule the one before a large change: both in one run, in turn."""

import functools
import resource
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil

from scripts.benchmarks.figures import Row, alternate, row
from scripts.benchmarks.one_shot import first_byte
from scripts.benchmarks.parts import Part
from scripts.benchmarks.raw_client import RawClient
from scripts.benchmarks.supervisors import supervisor
from scripts.benchmarks.trees import OURS, Running, Spent, Tree, against, running

FLAT_OUT = (1, 64, 512)
"""Streams at once, each as fast as it goes: what waits is merged."""
TOKENS = 256_000

PACED = ((1, 2_000), (64, 20_000), (512, 20_000))
"""Streams, and tokens a second of all together: few enough that each is a delta of its own."""
PACED_SECONDS = 1.0

AT_512 = 1.4
"""So many times the time per token of one stream may be what it is at 512."""

QUESTIONS = 20
"""First tokens a pair."""

SETTLED, HELD = 128, 512
"""Open streams that fill what was free before, and those behind them whose memory is looked at."""

FEWER = 3
"""What takes a whole start is measured in a part of the pairs, but at least so often."""

COMMANDS = {
    "ai-pal --version": ["--version"],
    'ai-pal chat "x", warm': ["chat", "--model", "echo", "x"],
}


def part(root: Path) -> Part:
    """The measurements against the checkout there. Raises OSError: it is none, or has no environment."""
    before = Tree(root.resolve(strict=True))
    Path(before.python).stat()
    measures = {"traffic": traffic, "first": first_token, "memory": memory, "commands": commands}
    return Part(
        "this tree against another one",
        {name: functools.partial(measure, before) for name, measure in measures.items()},
    )


def traffic(before: Tree, pairs: int) -> Iterator[Row]:
    """Time and CPU per token flat out, CPU per delta at a pace."""
    offers = [(streams, TOKENS // streams, 0.0) for streams in FLAT_OUT]
    offers += [(streams, int(PACED_SECONDS * rate / streams), streams / rate) for streams, rate in PACED]
    now: dict[tuple[int, int, float], list[Spent]] = {offer: [] for offer in offers}
    then: dict[tuple[int, int, float], list[Spent]] = {offer: [] for offer in offers}
    with running(OURS) as ours, running(before) as theirs:
        for number in range(pairs):
            for offer in offers:
                for one, runs in ((ours, now), (theirs, then))[:: -1 if number % 2 else 1]:
                    runs[offer].append(one.spent(*offer))
    for offer in offers[: len(FLAT_OUT)]:
        yield from _flat_out(offer[0], now[offer], then[offer])
    at_one, at_512 = now[offers[0]], now[offers[len(FLAT_OUT) - 1]]
    shares = [a.seconds_per_token / b.seconds_per_token for a, b in zip(at_512, at_one, strict=True)]
    yield row(f"time per token at {FLAT_OUT[-1]} streams / at 1", shares, "x", at_most=AT_512)
    for offer in offers[len(FLAT_OUT) :]:
        yield from _paced(offer[0], now[offer], then[offer])


def _flat_out(streams: int, now: list[Spent], then: list[Spent]) -> Iterator[Row]:
    name = f"time per token, {streams} streams flat out"
    yield against(name, now, then, lambda one: one.seconds_per_token * 1e6, "us")
    yield against("  CPU of the supervisor", now, then, lambda one: one.supervisor / TOKENS * 1e6, "us")
    yield against("  CPU of the worker", now, then, lambda one: one.worker / TOKENS * 1e6, "us")
    yield against("  deltas", now, then, lambda one: one.traffic.deltas, "", judged=False)


def _paced(streams: int, now: list[Spent], then: list[Spent]) -> Iterator[Row]:
    tokens, deltas = (sum(getattr(one.traffic, name) for one in now) for name in ("tokens", "deltas"))
    name = f"CPU of the supervisor per delta, {streams} streams, {deltas / tokens:.0%} unmerged"
    yield against(name, now, then, lambda one: one.supervisor / one.traffic.deltas * 1e6, "us")
    yield against("  of the worker", now, then, lambda one: one.worker / one.traffic.deltas * 1e6, "us")


def first_token(before: Tree, pairs: int) -> Iterator[Row]:
    """From a question to the first piece of its answer, by an engine that costs nothing."""
    with running(OURS) as ours, running(before) as theirs:
        now, then = alternate(
            pairs * QUESTIONS, lambda _: ours.client.first_token(), lambda _: theirs.client.first_token()
        )
    yield against("first token with echo", now, then, lambda seconds: seconds * 1e3, "ms")


class Held(msgspec.Struct, frozen=True):
    """Bytes of a fresh supervisor and its worker, and what `HELD` open streams add to it."""

    idle: int
    proportional: int
    worker: int
    grown: int


def memory(before: Tree, pairs: int) -> Iterator[Row]:
    """Resident memory: of the supervisor when nothing goes on, of the worker, and per open stream."""
    now, then = alternate(max(FEWER, pairs // FEWER), lambda _: _held(OURS), lambda _: _held(before))
    yield against("idle memory of the supervisor", now, then, lambda one: one.idle / 1e6, "MB")
    yield against("  what is shared shared out", now, then, lambda one: one.proportional / 1e6, "MB")
    yield against("  of an echo worker", now, then, lambda one: one.worker / 1e6, "MB")
    yield against(f"memory per stream, {HELD} open", now, then, lambda one: one.grown / HELD / 1024, "KiB")


def _held(tree: Tree) -> Held:
    with supervisor(tree.python) as fresh:
        idle, proportional = fresh.memory(), fresh.proportional_memory()
        with RawClient(fresh.endpoint) as client:
            loaded = Running(fresh, client)
            worker = int(psutil.Process(loaded.worker).memory_info().rss)
            client.hold(SETTLED)
            before = fresh.memory()
            client.hold(HELD)
            return Held(idle, proportional, worker, fresh.memory() - before)


class Command(msgspec.Struct, frozen=True):
    """Seconds until its first output, and CPU seconds in all."""

    seconds: float
    cpu: float


def commands(before: Tree, pairs: int) -> Iterator[Row]:
    """Each from the start of its process, beside a supervisor that has the model."""
    with running(OURS) as ours, running(before) as theirs:
        for name, arguments in COMMANDS.items():
            for one, tree in ((ours, OURS), (theirs, before)):  # once without looking: pages, byte code
                _command(tree, one, arguments)
            now, then = alternate(
                pairs,
                functools.partial(_command, OURS, ours, arguments),
                functools.partial(_command, before, theirs, arguments),
            )
            yield against(f"{name}: first output", now, then, lambda one: one.seconds * 1e3, "ms")
            yield against("  CPU", now, then, lambda one: one.cpu * 1e3, "ms")


def _command(tree: Tree, beside: Running, arguments: list[str], _: int = 0) -> Command:
    spent = _children_cpu()
    seconds = first_byte([tree.command, *arguments], beside.supervisor.environ)
    return Command(seconds, _children_cpu() - spent)


def _children_cpu() -> float:
    """CPU seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
