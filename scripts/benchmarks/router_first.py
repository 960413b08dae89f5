"""What the whole path adds to the first token: routed against named, and through us against the SDK."""

import time
from collections.abc import Iterator

import openai

from ai_pal.protocol.content import Message
from scripts.benchmarks.echo_clouds import echo_clouds
from scripts.benchmarks.figures import Row, alternate, row
from scripts.benchmarks.tiers import clouds, first_text, with_tiers

WARM = 3
EACH = 5
"""Questions per pair."""

WORDS = 5


def question(number: int) -> list[Message]:
    return [Message("user", f"What is {number} and one?")]


def first_token(pairs: int) -> Iterator[Row]:
    """Servers and engines compute nothing, so that the way is all there is."""
    with echo_clouds(WORDS) as url, with_tiers(clouds(url)) as running, running.client() as client:
        sdk = openai.OpenAI(api_key="none", base_url=f"{url}/v1", max_retries=0)

        def named(number: int) -> float:
            return _median([first_text(client, "echo", question(number)) for _ in range(EACH)])

        def routed(number: int) -> float:
            return _median([first_text(client, "", question(number)) for _ in range(EACH)])

        def through(number: int) -> float:
            return _median([first_text(client, "openai:m", question(number)) for _ in range(EACH)])

        def direct(number: int) -> float:
            return _median([_sdk(sdk, number) for _ in range(EACH)])

        for number in range(WARM):
            for measure in (named, routed, through, direct):
                measure(number)
        routed_first, named_first = alternate(pairs, routed, named)
        through_first, direct_first = alternate(pairs, through, direct)
    yield row("first token, echo named", _ms(named_first), "ms")
    yield row("  routed adds", _more(routed_first, named_first), "ms")
    yield row("first token, OpenAI's SDK directly", _ms(direct_first), "ms")
    yield row(
        "  through client, supervisor and egress process adds", _more(through_first, direct_first), "ms"
    )


def _sdk(client: openai.OpenAI, number: int) -> float:
    asked = time.perf_counter()
    first = 0.0
    stream = client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": question(number)[0].content}], stream=True
    )
    for chunk in stream:
        if not first and chunk.choices[0].delta.content:
            first = time.perf_counter() - asked
    return first


def _median(samples: list[float]) -> float:
    return sorted(samples)[len(samples) // 2]


def _ms(samples: list[float]) -> list[float]:
    return [1e3 * sample for sample in samples]


def _more(ours: list[float], theirs: list[float]) -> list[float]:
    return [1e3 * (one - other) for one, other in zip(ours, theirs, strict=True)]
