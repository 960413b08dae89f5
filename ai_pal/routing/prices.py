"""What providers charge, and how long their models' windows are: one dated table, the user's rows over it."""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

import msgspec

from ai_pal.messages.chat import Usage

MILLION = 1_000_000


class Price(msgspec.Struct, frozen=True):
    """US dollars per million tokens; `cached` is for prompt tokens that came from the provider's cache, None
    where they cost as much as others. `window` counts tokens, 0 where it is not known."""

    input: float = 0.0
    output: float = 0.0
    cached: float | None = None
    window: int = 0

    def of(self, usage: Usage) -> float:
        """US dollars for an answer that used this many tokens."""
        cached = self.input if self.cached is None else self.cached
        fresh = max(0, usage.prompt_tokens - usage.cached_tokens)
        paid = fresh * self.input + usage.cached_tokens * cached + usage.completion_tokens * self.output
        return paid / MILLION

    def expected(self, prompt_tokens: int, answer_tokens: int) -> float:
        """US dollars for an answer of this length."""
        return self.of(Usage(prompt_tokens=prompt_tokens, completion_tokens=answer_tokens))

    def affordable(self, prompt_tokens: int, limit: float) -> int | None:
        """Tokens that an answer may have to cost at most `limit`; None for any number."""
        if self.output <= 0:
            return None
        left = limit - self.expected(prompt_tokens, 0)
        return max(0, int(left * MILLION / self.output))


FREE = Price()


class PriceTable(msgspec.Struct, frozen=True):
    """`as_of` is the day of the prices, `models` has them by `provider:model`."""

    as_of: str
    models: dict[str, Price]

    def find(self, provider: str, model: str) -> Price | None:
        """The price of a model, by its name or by its name without the date of its version."""
        name = f"{provider}:{model}"
        if name in self.models:
            return self.models[name]
        beginnings = [known for known in self.models if name.startswith(f"{known}-")]
        return self.models[max(beginnings, key=len)] if beginnings else None

    def over(self, own: Mapping[str, Price]) -> "PriceTable":
        """This table with the user's own prices."""
        return PriceTable(self.as_of, self.models | dict(own))


@lru_cache(maxsize=1)
def price_table() -> PriceTable:
    """The table that comes with this version."""
    text = files("ai_pal.routing").joinpath("prices.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), PriceTable)
