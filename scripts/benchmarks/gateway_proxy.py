"""The gateway and LiteLLM's proxy in front of the same server, which computes nothing."""

import statistics
from collections.abc import Callable, Iterator

from scripts.benchmarks.echo_clouds import echo_clouds
from scripts.benchmarks.figures import Row, figure, row
from scripts.benchmarks.gateways import gateway
from scripts.benchmarks.litellm_proxy import MODEL, litellm_proxy
from scripts.benchmarks.sse_client import ask, chat_body
from scripts.benchmarks.tiers import clouds, with_tiers

WORDS = 5
EACH = 10
"""Questions one by one, in turn with the others'."""
TOGETHER, ROUNDS = 16, 5
WARM = 20


def added(pairs: int) -> Iterator[Row]:
    """Milliseconds to the first text that each adds to the server alone, and requests a second."""
    with (
        echo_clouds(WORDS) as url,
        with_tiers(clouds(url)) as running,
        gateway(running) as ours,
        litellm_proxy(url) as theirs,
    ):
        asked = {
            "the server": _asking(url, MODEL),
            "gateway": _asking(ours.url, f"openai:{MODEL}"),
            "LiteLLM's proxy": _asking(theirs, MODEL),
        }
        for ask_once in asked.values():
            for _ in range(WARM):
                ask_once(1)
        firsts: dict[str, list[float]] = {name: [] for name in asked}
        rates: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(max(3, pairs)):
            for name, ask_once in asked.items():
                firsts[name] += [1e3 * ask_once(1)[0] for _ in range(EACH)]
                rates[name].append(statistics.median(ask_once(TOGETHER)[1] for _ in range(ROUNDS)))
    alone = firsts.pop("the server")
    yield row("first text of the server alone", alone, "ms")
    for share, name in ((50, "p50"), (99, "p99")):
        mine, others = (_quantile(found, share) - _quantile(alone, share) for found in firsts.values())
        ratio = row(f"gateway / LiteLLM's proxy: added to the first text, {name}", [mine / others], "x")
        ratio.at_most, ratio.note = 1.0, f"{figure(mine)} against {figure(others)} ms"
        yield ratio
    direct, mine, others = (statistics.median(found) for found in rates.values())
    speed = row(f"  requests a second, {TOGETHER} at once", [mine / others], "x", at_least=1.0)
    speed.note = f"{figure(mine)} against {figure(others)}; the server alone {figure(direct)}"
    yield speed


def _asking(url: str, model: str) -> Callable[[int], tuple[float, float]]:
    body = chat_body(model, "word")

    def asked(at_once: int) -> tuple[float, float]:
        """Seconds to the first text, and requests a second."""
        served = ask(url, [body] * at_once)
        return served.firsts[0], at_once / served.seconds

    return asked


def _quantile(samples: list[float], percent: int) -> float:
    return statistics.quantiles(samples, n=100)[percent - 1]
