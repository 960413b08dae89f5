"""Many answers at once through AI-PAL, against the engines' own servers with the same model and threads."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from ai_pal.catalog import CATALOG, artifact_path
from ai_pal.config import load_settings
from ai_pal.protocol.content import Message
from scripts.benchmarks.crowds import Asked, at_once
from scripts.benchmarks.figures import Row, alternate, of_medians, row, skipped
from scripts.benchmarks.hf_engines import CONTINUOUS, can_serve, reference, transformers_serve
from scripts.benchmarks.llama_server import WINDOW, llama_server
from scripts.benchmarks.sse_client import ask, chat_body
from scripts.benchmarks.supervisors import MODEL, supervisor
from workers.threads import default_count

STREAMS = (1, 4, 8, 16)
SLOTS = max(STREAMS)
TOKENS, FEWER_TOKENS = 48, 24
NO_END = {"logit_bias": {"2": -100.0}}
"""The starter's end mark is never chosen."""
BESIDE, BESIDE_TOKENS, LONG_WORDS, LONG_AFTER = 4, 64, 600, 0.5
FEW = 3
STALL = 200.0
"""Milliseconds that the reading of a prompt may hold up the others."""


class Served(Protocol):
    """What both kinds of server tell of a run."""

    firsts: list[float]

    @property
    def speed(self) -> float: ...


Run = Callable[[list[str]], Served]


def by_llamacpp(pairs: int) -> Iterator[Row]:
    """Against llama.cpp's HTTP server."""
    artifact = CATALOG[MODEL].artifact
    assert artifact is not None
    file, threads = artifact_path(artifact, load_settings().settings), default_count()
    ours = f"{MODEL}?slots={SLOTS}&context={WINDOW}&windows=own&threads={threads}"
    with supervisor() as running, llama_server(file, SLOTS, threads) as other:

        def us(texts: list[str]) -> Served:
            return at_once(running.endpoint, ours, _asked(texts, TOKENS))

        def them(texts: list[str]) -> Served:
            return ask(
                other.said, [chat_body(MODEL, text, TOKENS, temperature=0.0, **NO_END) for text in texts]
            )

        yield from _side_by_side("llama.cpp", "its HTTP server", pairs, us, them)


def stalls(pairs: int) -> Iterator[Row]:
    """How long others stand still while a long prompt is read, by engine."""
    for name, model in (("llama.cpp", MODEL), ("transformers", reference() if can_serve() else "")):
        if not model:
            yield skipped(f"{name}: a long prompt comes in between", "transformers is not here")
            continue
        with supervisor() as running:
            at_once(running.endpoint, model, _asked(_questions(1, -1), FEWER_TOKENS))
            runs = [
                at_once(running.endpoint, model, _with_a_long_one(number), LONG_AFTER)
                for number in range(min(pairs, FEW))
            ]
        longest = [1e3 * max(run.gaps[:-1]) for run in runs]
        read = statistics.median(run.firsts[-1] for run in runs)
        note = f"{LONG_WORDS:,} words, read in {read:.1f} s beside {BESIDE} others"
        yield row(
            f"{name}: a long prompt is read, longest stop of the others",
            longest, "ms", at_most=STALL, note=note,
        )  # fmt: skip


def by_transformers(pairs: int) -> Iterator[Row]:
    """Against `transformers serve` with continuous batching."""
    if not can_serve():
        yield skipped("transformers / transformers serve", "it lacks packages here: scripts/setup --dev")
        return
    model = f"{reference()}&slots={SLOTS}"
    with supervisor() as running, transformers_serve(default_count(), *CONTINUOUS) as server:

        def us(texts: list[str]) -> Served:
            return at_once(running.endpoint, model, _asked(texts, FEWER_TOKENS))

        def them(texts: list[str]) -> Served:
            return server.at_once([messages for messages, _ in _asked(texts, 0)], FEWER_TOKENS)

        yield from _side_by_side("transformers", "its serve", pairs, us, them)


def _side_by_side(engine: str, whose: str, pairs: int, us: Run, them: Run) -> Iterator[Row]:
    for warm in (us, them):
        warm(_questions(2, -1))
    for streams in STREAMS:
        count = max(2, pairs // (1 if streams == 1 else 2))
        mine, theirs = alternate(
            count,
            lambda number, streams=streams: us(_questions(streams, number)),  # type: ignore[misc]
            lambda number, streams=streams: them(_questions(streams, number)),  # type: ignore[misc]
        )
        speeds = [run.speed for run in mine], [run.speed for run in theirs]
        yield of_medians(f"{engine} / {whose}, {streams} at once, tokens/s", *speeds, at_least=1.0)
        firsts = (
            [statistics.median(run.firsts) for run in mine],
            [statistics.median(run.firsts) for run in theirs],
        )
        yield of_medians("  time to the first text", *firsts)


def _questions(streams: int, number: int) -> list[str]:
    """Always others, so that no prompt cache helps with more than the template."""
    return [f"{number} {streams} {index}: tell me about the sea." for index in range(streams)]


def _asked(texts: Sequence[str], tokens: int) -> list[Asked]:
    return [([Message("user", text)], tokens) for text in texts]


def _with_a_long_one(number: int) -> list[Asked]:
    """Some that write for seconds, and a prompt that takes long to be read."""
    words = " ".join(f"{number} ship{index}" for index in range(LONG_WORDS // 2))
    return [*_asked(_questions(BESIDE, number), BESIDE_TOKENS), *_asked([words], 1)]
