"""How long the score of a prompt takes, over the everyday prompts it is judged by."""

import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from ai_pal.protocol.content import Message
from ai_pal.server.router import complexity
from scripts.benchmarks.figures import Row, row

PROMPTS = Path(__file__).parents[1] / "complexity" / "everyday.jsonl"


def prompts() -> list[list[Message]]:
    """Each as a conversation of one turn."""
    lines = [json.loads(line) for line in PROMPTS.read_text(encoding="utf-8").splitlines()]
    return [[Message("user", line["prompt"])] for line in lines if "prompt" in line]


def score_latency(pairs: int) -> Iterator[Row]:
    """Every prompt once a round; the figures of each round."""
    asked = prompts()
    complexity.score(asked[0])  # reads its table
    rounds = [[_seconds(messages) for messages in asked] for _ in range(pairs)]
    points = [(statistics.median(one), *_upper(one)) for one in rounds]
    limits = ((0, "median", 2.0), (1, "p95", 6.0), (2, "p99", None))
    for place, name, limit in limits:
        samples = [1e3 * point[place] for point in points]
        yield row(f"score of a prompt, {name} of {len(asked)}", samples, "ms", at_most=limit)


def _seconds(messages: list[Message]) -> float:
    began = time.perf_counter()
    complexity.score(messages)
    return time.perf_counter() - began


def _upper(samples: list[float]) -> tuple[float, float]:
    """The 95th and the 99th percentile."""
    points = statistics.quantiles(samples, n=100)
    return points[94], points[98]
