"""The HTTP gateway against llama.cpp's own HTTP server: the same model, slots and threads, in turn."""

import statistics
from collections.abc import Iterator

from ai_pal.catalog import CATALOG, artifact_path
from ai_pal.config import load_settings
from scripts.benchmarks.figures import Row, alternate, of_medians, row
from scripts.benchmarks.gateways import gateway
from scripts.benchmarks.llama_server import WINDOW, llama_server
from scripts.benchmarks.sse_client import Served, ask, chat_body
from scripts.benchmarks.supervisors import MODEL, supervisor
from workers.threads import default_count

TOKENS = 64
NO_END = {"logit_bias": {"2": -100.0}}
"""The starter's end mark is never chosen."""
SLOTS = 16


def one(pairs: int) -> Iterator[Row]:
    """One stream; how much later its first text comes is looked at more often."""
    yield from _side_by_side(pairs, 1, 0.97)


def four(pairs: int) -> Iterator[Row]:
    """Four at once."""
    yield from _side_by_side(max(3, pairs // 2), 4, 1.0)


def sixteen(pairs: int) -> Iterator[Row]:
    """As many as there are slots."""
    yield from _side_by_side(max(3, pairs // 3), SLOTS, 1.0)


def _side_by_side(pairs: int, streams: int, share: float) -> Iterator[Row]:
    artifact = CATALOG[MODEL].artifact
    assert artifact is not None
    model = artifact_path(artifact, load_settings().settings)
    threads = default_count()
    ours = f"{MODEL}?slots={SLOTS}&context={WINDOW}&threads={threads}"
    with supervisor() as running, gateway(running) as mine, llama_server(model, SLOTS, threads) as other:

        def us(number: int) -> Served:
            return ask(mine.url, _questions(ours, streams, number))

        def them(number: int) -> Served:
            return ask(other.said, _questions(MODEL, streams, number))

        for warm in (us, them):
            warm(-1)
        cpu, supervisors = mine.cpu(), running.cpu()
        my_runs, their_runs = alternate(pairs, us, them)
        events = sum(run.events for run in my_runs)
        spent = [1e6 * (after - before) / events for after, before in
                 ((mine.cpu(), cpu), (running.cpu(), supervisors))]  # fmt: skip
    speeds = [run.speed for run in my_runs], [run.speed for run in their_runs]
    rate = of_medians(f"gateway / llama.cpp's server, {streams} at once, tokens/s", *speeds, at_least=share)
    tokens = sum(run.tokens for run in my_runs)
    rate.note += f"; {tokens / events:.2f} tokens an event; {spent[0]:.0f} us of the gateway's CPU each, "
    rate.note += f"{spent[1]:.0f} of the supervisor's"
    yield rate
    later = [
        1e3 * (statistics.median(a.firsts) - statistics.median(b.firsts))
        for a, b in zip(my_runs, their_runs, strict=True)
    ]
    yield row("  first text later by", later, "ms", at_most=3.0 if streams == 1 else None)


def _questions(model: str, streams: int, number: int) -> list[bytes]:
    """Always others, so that no prompt cache helps with more than the template."""
    texts = [f"{number} {index}: tell me about the sea. " for index in range(streams)]
    return [chat_body(model, text, TOKENS, temperature=0.0, **NO_END) for text in texts]
