"""The whole path (client, supervisor, worker) against `transformers serve` over loopback HTTP."""

from collections.abc import Iterator

from scripts.benchmarks.decoding import SHORT, SHORT_PAIRS
from scripts.benchmarks.figures import Row, alternate, of_medians, skipped
from scripts.benchmarks.hf_engines import can_serve, reference, transformers_serve
from scripts.benchmarks.streams import TOKENS, fresh, told
from scripts.benchmarks.supervisors import supervisor
from workers.threads import default_count

SPEED, FIRST = "whole path / transformers serve, tokens/s", "  time to the first token"


def against_serve(pairs: int) -> Iterator[Row]:
    """Both stream the same answers to a client of their own kind."""
    if not can_serve():
        yield skipped(SPEED, "transformers serve lacks packages here: scripts/setup --dev")
        return
    model = reference()
    with supervisor() as running, running.client() as client:
        list(client.load(model))
        with transformers_serve(default_count()) as server:
            told(client, model, fresh(0, "warm"))
            server.answer(fresh(0, "warm"), TOKENS)
            mine, theirs = alternate(
                pairs,
                lambda n: told(client, model, fresh(n)),
                lambda n: server.answer(fresh(n), TOKENS),
            )
            my_shorts, their_shorts = alternate(
                pairs * SHORT_PAIRS,
                lambda n: told(client, model, fresh(n, "st"), SHORT),
                lambda n: server.answer(fresh(n, "st"), SHORT),
            )
    speeds = [one.speed for one in mine], [one.speed for one in theirs]
    firsts = [one.first for one in mine + my_shorts], [one.first for one in theirs + their_shorts]
    yield of_medians(SPEED, *speeds, at_least=1.0)
    yield of_medians(FIRST, *firsts, at_most=1.05)
