"""What providers charge, and how much their models take and say: one dated table, the user's rows over it."""

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

import msgspec

from ai_pal.config.tables import PriceSettings
from ai_pal.protocol.usage import Usage

MILLION = 1_000_000

ENDLESS = 1_000_000
"""Tokens of an answer that no model gives: such a limit is none, and servers refuse it."""

SLACK = 16
"""Tokens of a window that belong to neither prompt nor answer."""

_DATE = re.compile(
    r"[-@](20\d\d-[01]\d-[0-3]\d|20\d\d[01]\d[0-3]\d|(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])|(0[1-9]|1[0-2])-20\d\d)",
    re.ASCII,
)
"""Behind a name, the date of its version: `-2024-08-06`, `-20240229`, `@20240229`, `-0613`, `-08-2024`."""


class Long(msgspec.Struct, frozen=True):
    """What a request costs whose prompt has more than `beyond` tokens."""

    beyond: int
    input: float
    output: float
    cached: float


class Price(msgspec.Struct, frozen=True):
    """US dollars per million tokens; `cached` is for prompt tokens that came from the provider's cache, None
    where they cost as much as others. `window` counts tokens, `most` those of the longest answer, 0 where
    that is not known. `as_of` is the day of the price, empty for the user's own."""

    input: float = 0.0
    output: float = 0.0
    cached: float | None = None
    window: int = 0
    most: int = 0
    long: Long | None = None
    as_of: str = ""

    def of(self, usage: Usage) -> float:
        """US dollars for an answer that used this many tokens."""
        rates = self._rates(usage.prompt_tokens)
        cached = rates.input if rates.cached is None else rates.cached
        fresh = max(0, usage.prompt_tokens - usage.cached_tokens)
        paid = fresh * rates.input + usage.cached_tokens * cached + usage.completion_tokens * rates.output
        return paid / MILLION

    def expected(self, prompt_tokens: int, answer_tokens: int) -> float:
        """US dollars for an answer of this length."""
        return self.of(Usage(prompt_tokens=prompt_tokens, completion_tokens=answer_tokens))

    def affordable(self, prompt_tokens: int, limit: float) -> int | None:
        """Tokens that an answer may have to cost at most `limit`, never more than the model can say; None for
        any number."""
        output = self._rates(prompt_tokens).output
        if output <= 0:
            return None
        left = limit - self.expected(prompt_tokens, 0)
        limits = [int(left * MILLION / output)]
        if limits[0] > ENDLESS and not (self.most or self.window):
            return None
        if self.most:
            limits.append(self.most)
        if self.window:
            limits.append(self.window - prompt_tokens - SLACK)
        return max(0, min(limits))

    def _rates(self, prompt_tokens: int) -> "Price | Long":
        return self.long if self.long is not None and prompt_tokens > self.long.beyond else self


FREE = Price()


class PriceTable(msgspec.Struct, frozen=True):
    """`as_of` is the day of the prices, `models` has them by `provider:model`."""

    as_of: str
    models: dict[str, Price]

    def find(self, provider: str, model: str) -> Price | None:
        """The price of a model, by its name or by its name without the date of its version; None: nobody
        knows it. Others of its family have prices of their own."""
        name = f"{provider}:{model}"
        dates = [found.start() for found in _DATE.finditer(name) if found.end() == len(name)]
        names = [name, *(name[:start] for start in dates)]
        return next((self.models[known] for known in names if known in self.models), None)

    def over(self, own: Mapping[str, PriceSettings]) -> "PriceTable":
        """This table with the user's own prices."""
        rows = {
            name: Price(row.input or 0.0, row.output or 0.0, row.cached, row.window, row.most)
            for name, row in own.items()
        }
        return PriceTable(self.as_of, self.models | rows)


@lru_cache(maxsize=1)
def price_table() -> PriceTable:
    """The table that comes with this version."""
    text = files("ai_pal.providers").joinpath("prices.toml").read_text(encoding="utf-8")
    table = msgspec.convert(tomllib.loads(text), PriceTable)
    dated = {
        name: msgspec.structs.replace(row, as_of=row.as_of or table.as_of)
        for name, row in table.models.items()
    }
    return PriceTable(table.as_of, dated)
