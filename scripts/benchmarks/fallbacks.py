"""How long a fallback takes, from a tier that refuses and from one that hangs, beyond the timeouts set."""

from collections.abc import Iterator

from ai_pal.protocol.content import Message
from scripts.benchmarks.echo_clouds import echo_clouds
from scripts.benchmarks.figures import Row, row
from scripts.benchmarks.tiers import NOBODY, Tables, clouds, first_text, with_tiers

FEWER = 4
"""Each sample takes a whole supervisor, for who has failed is left alone afterwards."""

TIMEOUT = 1.0
QUESTION = [Message("user", "Say something.")]


def fallback_time(pairs: int) -> Iterator[Row]:
    """From the question to the first text of the next tier, less what that takes when it is asked itself."""
    with echo_clouds(5) as url:
        count = max(2, pairs // FEWER)
        refused = [_beyond(url, NOBODY) for _ in range(count)]
        hung = [_beyond(url, f"{url}/hang") - TIMEOUT for _ in range(count)]
    yield row("fallback from a cloud that refuses", [1e3 * sample for sample in refused], "ms")
    yield row(
        "fallback from a cloud that hangs",
        [1e3 * sample for sample in hung],
        "ms",
        note=f"beyond its first-token timeout of {TIMEOUT:g} s",
    )


def _beyond(url: str, first_cloud: str) -> float:
    tables: Tables = clouds(url)
    tables["providers.warm"] = tables["providers.openai"] | {"api": "openai"}
    tables["providers.openai"] = tables["providers.openai"] | {"base_url": first_cloud}
    with with_tiers(tables, first_token_timeout=f"{TIMEOUT:g}s") as running, running.client() as client:
        first_text(client, "warm:m", QUESTION)  # the egress process has imported its SDKs
        for _ in range(3):
            alone = first_text(client, "anthropic:m", QUESTION)
        return first_text(client, "", QUESTION, goal="quality") - alone
