"""What doubting costs: decoding that is watched against decoding that is not, the probe before a first text,
and how long that is held back where another could answer instead."""

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.client import Client
from ai_pal.config import load_settings
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.server.app.references import load_of
from ai_pal.store.doubts import Calibration, DoubtFile, Kind, key_of
from scripts.benchmarks.echo_clouds import echo_clouds
from scripts.benchmarks.figures import Row, alternate, of_medians, ratio
from scripts.benchmarks.models import large
from scripts.benchmarks.streams import TOKENS, Stream, question, through, told
from scripts.benchmarks.supervisors import MODEL, Supervisor, supervisor
from scripts.benchmarks.tiers import clouds, with_tiers

SEEN = [number / 100 for number in range(100)]
"""Doubts of earlier answers, in nats."""
SURE, QUICK = 0.01, 0.02
"""The doubt of an echo that nobody doubts, and seconds between its words: 16 take less than is held back."""
CHOICE = (
    "is the number of this question. A company buys a machine for its factory, uses it for five years, and "
    "writes off a fifth of its price in each of them. Which of these says how that is called?\n"
    "A. straight-line depreciation\nB. declining balance\nC. impairment\nD. amortised cost\nAnswer:"
)
EACH, HELD_MOST = 8, 400.0
"""Answers for each pair; milliseconds."""


def watched(pairs: int) -> Iterator[Row]:
    """The starter, as a model that can doubt; nobody else could be asked."""
    yield _decoding(pairs, MODEL, "the starter")


def watched_large(pairs: int) -> Iterator[Row]:
    """The 1.5-billion model, which can doubt."""
    yield _decoding(pairs, large().reference, "1.5B")


def _decoding(pairs: int, model: str, name: str) -> Row:
    with supervisor() as running:
        doubts(running, load_of(model, load_settings().settings))
        with running.client() as client:
            through(client, model, -1)
            ours, theirs = alternate(
                pairs, lambda n: decode(client, model, n, "ask"), lambda n: decode(client, model, n, "off")
            )
    speeds = [[one.speed for one in some] for some in (ours, theirs)]
    return ratio(f"{name}: decoding, watched / not, tokens/s", *speeds, at_least=0.97)


def probed(pairs: int) -> Iterator[Row]:
    """The starter, as a model that can doubt, asked to choose."""
    yield _first(pairs, MODEL, "the starter")


def probed_large(pairs: int) -> Iterator[Row]:
    """The 1.5-billion model, which can doubt."""
    yield _first(pairs, large().reference, "1.5B")


def _first(pairs: int, model: str, name: str) -> Row:
    """The time to a first text without a probe, as a part of that with one; two questions of a pair are as
    long as each other, and their first words are new."""
    with supervisor() as running:
        doubts(running, load_of(model, load_settings().settings))
        with running.client() as client:
            chosen(client, model, "-1", "off")
            with_probe, without = alternate(
                pairs,
                lambda n: chosen(client, model, f"{n}a", "ask"),
                lambda n: chosen(client, model, f"{n}b", "off"),
            )
    return of_medians(
        f"{name}: first text of a choice, not probed / probed", without, with_probe, at_least=0.85
    )


def held(pairs: int) -> Iterator[Row]:
    """An echo that is fast enough for its beginning to be held back, and never doubted."""
    with echo_clouds(5) as url, with_tiers(clouds(url)) as running:
        doubts(running, load_of("echo", load_settings().settings))
        with running.client() as client:
            echo(client, "auto")
            auto, off = alternate(pairs * EACH, lambda _: echo(client, "auto"), lambda _: echo(client, "off"))
    base = statistics.median(off)
    added = sorted(one - base for one in auto)
    low, middle, high = statistics.quantiles(added, n=4)
    most = statistics.quantiles(added, n=20)[-1]
    note = f"median {middle:.0f} ms"
    yield Row("first text held back, p95", most, low, high, "ms", None, HELD_MOST, None, len(added), note)


def doubts(running: Supervisor, resolved: Resolved) -> None:
    """Let it believe that this model can doubt."""
    file = DoubtFile(Path(running.environ["AI_PAL_HOME"]) / "doubts.json")
    file.calibrate(key_of(resolved), Calibration(0.8, 100))
    model = file.known(key_of(resolved))
    assert model is not None
    for kind in get_args(Kind):
        seen = model.seen(kind)
        seen.probe, seen.beginning, seen.whole = [*SEEN], [*SEEN], [*SEEN]
    file.save()


def chosen(client: Client, model: str, number: str, escalate: wire.Escalate) -> float:
    """Seconds to the first text of the answer to an exam question."""
    asked = Message("user", f"{number} {CHOICE}")
    return told(client, model, [Message("system", ""), asked], 4, escalate=escalate).first


def decode(client: Client, model: str, number: int, escalate: wire.Escalate) -> Stream:
    return told(client, model, question(number), TOKENS, escalate=escalate)


def echo(client: Client, escalate: wire.Escalate) -> float:
    """Milliseconds to its first text."""
    how = GenerationOptions(extra={"tokens": 24, "pace": QUICK, "doubt": SURE})
    return (
        told(client, "", [Message("user", "Hello there, my friend")], how=how, escalate=escalate).first * 1e3
    )
