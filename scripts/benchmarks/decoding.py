"""Our transformers engine against plain `model.generate`: speed, and the time to the first token."""

from collections.abc import Iterator

from ai_pal.protocol.content import Message
from scripts.benchmarks.conversing import answer
from scripts.benchmarks.figures import Row, alternate, of_medians
from scripts.benchmarks.hf_engines import library, ours
from scripts.benchmarks.streams import fresh

SHORT, SHORT_PAIRS = 2, 3
"""Tokens of answers asked for their first token alone, and how many more of them there are."""
SENTENCES = 40
"""Of a long prompt: some 400 tokens."""


def against_generate(pairs: int) -> Iterator[Row]:
    """Both answer the same questions, each new to both."""
    with ours() as mine, library(mine) as plain:
        for engine in (mine, plain):
            answer(engine, fresh(0, "warm"))
        my_streams, their_streams = alternate(
            pairs, lambda n: answer(mine, fresh(n)), lambda n: answer(plain, fresh(n))
        )
        my_shorts, their_shorts = alternate(
            pairs * SHORT_PAIRS,
            lambda n: answer(mine, fresh(n, "st"), SHORT),
            lambda n: answer(plain, fresh(n, "st"), SHORT),
        )
        my_long, their_long = alternate(
            pairs, lambda n: answer(mine, _long(n), SHORT), lambda n: answer(plain, _long(n), SHORT)
        )
        how = f"{mine.hello['engine']}, {mine.hello['threads']} threads"
    speeds = of_medians(
        "transformers engine / model.generate, tokens/s",
        [one.speed for one in my_streams],
        [one.speed for one in their_streams],
        at_least=0.97,
    )
    speeds.note += f" ({how})"
    yield speeds
    yield of_medians(
        "  time to the first token",
        [one.first for one in my_streams + my_shorts],
        [one.first for one in their_streams + their_shorts],
        at_most=1.05,
    )
    yield of_medians(
        "  ... of a prompt of 400 tokens",
        [one.first for one in my_long],
        [one.first for one in their_long],
        at_most=1.05,
    )


def _long(number: int) -> list[Message]:
    system, user = fresh(number, "long")
    story = "The ship leaves its harbour at noon and comes back. " * SENTENCES
    return [system, Message("user", story + user.text)]
