"""What a thousand everyday requests cost, computed from the price table: all here, half of them, none."""

import statistics
from collections.abc import Iterator

from ai_pal.providers.prices import price_table
from ai_pal.server.router.policy.query import ANSWER_TOKENS, tokens_in
from scripts.benchmarks.figures import Row, row
from scripts.benchmarks.scoring import prompts

REQUESTS = 1000
MODELS = ("openai:gpt-3.5-turbo", "anthropic:claude-3-haiku", "cohere:command", "openai:gpt-4")
SHARES = {"all answered here": 0.0, "half of them here": 0.5, "all by a cloud": 1.0}


def of_a_thousand(_: int) -> Iterator[Row]:
    """By cloud. Nothing is asked: the prompts are the everyday ones, the answers as long as is expected."""
    table = price_table()
    prompt = round(statistics.mean(tokens_in(messages) for messages in prompts()))
    for subject, share in SHARES.items():
        for model in MODELS:
            cost = share * REQUESTS * table.models[model].expected(prompt, ANSWER_TOKENS)
            yield row(f"{model}, computed", [cost], "US$", subject=f"{REQUESTS:,} requests, {subject}")
