"""What `ai-pal usage` tells, out of the ledger's sums and a price table. No I/O."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from ai_pal.store.ledger import Spent, Sums, Tokens


class Price(Protocol):
    """What a cloud takes: `ai_pal.routing.prices.Price`."""

    def expected(self, prompt_tokens: int, answer_tokens: int) -> float:
        """US dollars."""


class Clouds(msgspec.Struct, frozen=True):
    """The clouds that would have answered instead, by the score: a model's name and its price."""

    mid: str
    mid_price: Price
    strong: str
    strong_price: Price

    def would_cost(self, mid: Tokens, strong: Tokens) -> float:
        """US dollars for these tokens there."""
        return self.mid_price.expected(mid.prompt, mid.completion) + self.strong_price.expected(
            strong.prompt, strong.completion
        )


class Line(msgspec.Struct, frozen=True):
    """One day, model or tier. `saved` is what its answers would have cost at the clouds."""

    key: str
    answers: int
    attempts: int
    here: int
    left: int
    prompt_tokens: int
    completion_tokens: int
    spent: float
    saved: float


class Report(msgspec.Struct, frozen=True):
    """US dollars, and counts. `here` is the share of answers, from 0 to 1, for which no prompt left this
    machine, None where there are none; `left` counts attempts that took a prompt away."""

    today: float
    this_month: float
    day_budget: float | None
    month_budget: float | None
    spent: float
    saved: float
    answers: int
    here: float | None
    left: int
    compared_with: list[str]
    prices_as_of: str
    lines: list[Line]


def report(
    sums: Sequence[Sums],
    spent: Spent,
    clouds: Clouds,
    prices_as_of: str,
    budgets: tuple[float | None, float | None] = (None, None),
) -> Report:
    """The whole of it."""
    lines = [_line(one, clouds) for one in sums]
    answers = sum(line.answers for line in lines)
    return Report(
        today=spent.day,
        this_month=spent.month,
        day_budget=budgets[0],
        month_budget=budgets[1],
        spent=sum(line.spent for line in lines),
        saved=sum(line.saved for line in lines),
        answers=answers,
        here=sum(line.here for line in lines) / answers if answers else None,
        left=sum(line.left for line in lines),
        compared_with=[clouds.mid, clouds.strong],
        prices_as_of=prices_as_of,
        lines=lines,
    )


def texts(found: Report) -> list[str]:
    """The lines above the table, for people."""
    share = "-" if found.here is None else f"{found.here:.0%}"
    mid, strong = found.compared_with
    return [
        f"today              {_dollars(found.today)}{_of(found.day_budget)}",
        f"this month         {_dollars(found.this_month)}{_of(found.month_budget)}",
        f"spent              {_dollars(found.spent)}",
        f"saved              {_dollars(found.saved)} against {mid} and {strong} for everything",
        f"answered here      {share} of {found.answers}",
        f"left this machine  {found.left} time{'s' * (found.left != 1)}",
    ]


def cells(line: Line) -> tuple[str, ...]:
    """A row of the table."""
    counts = (line.answers, line.here, line.left, line.prompt_tokens, line.completion_tokens)
    return (line.key, *map(str, counts), _dollars(line.spent), _dollars(line.saved))


HEAD = ("ANSWERS", "HERE", "LEFT", "TOKENS IN", "TOKENS OUT", "SPENT", "SAVED")


def _line(sums: Sums, clouds: Clouds) -> Line:
    return Line(
        sums.key,
        sums.answers,
        sums.attempts,
        sums.here,
        sums.left,
        sums.tokens.prompt,
        sums.tokens.completion,
        sums.cost,
        clouds.would_cost(sums.mid, sums.strong),
    )


def _dollars(amount: float) -> str:
    """Cents where they are enough, more digits for what is less."""
    if 0 < amount < 0.0001:
        return "<$0.0001"
    return f"${amount:.2f}" if amount >= 0.1 or not amount else f"${amount:.4f}"


def _of(budget: float | None) -> str:
    return "" if budget is None else f" of {_dollars(budget)}"
