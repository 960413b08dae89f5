"""What `ai-pal usage` tells, out of the ledger's sums and a price table. No I/O."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from ai_pal.counted import counted
from ai_pal.store.ledger import Spent, Sums, Tokens


class Price(Protocol):
    """What a cloud takes: `ai_pal.providers.prices.Price`."""

    def expected(self, prompt_tokens: int, answer_tokens: int) -> float:
        """US dollars."""


class Clouds(msgspec.Struct, frozen=True):
    """The clouds that would have answered instead, by the score: a model's name and its price, None where
    nobody knows it."""

    mid: str
    mid_price: Price | None
    strong: str
    strong_price: Price | None

    def would_cost(self, mid: Tokens, strong: Tokens) -> float | None:
        """US dollars for these tokens there; None where that is not known."""
        costs = [_cost(self.mid_price, mid), _cost(self.strong_price, strong)]
        return None if None in costs else sum(cost for cost in costs if cost is not None)


class Line(msgspec.Struct, frozen=True):
    """One day, model or tier. `saved` is what its answers would have cost at the clouds, None where nobody
    knows; `unpriced` counts attempts whose cost nobody knows and `spent` leaves out; `doubted` and
    `left_to_mine` are as in `Report`."""

    key: str
    answers: int
    attempts: int
    here: int
    left: int
    prompt_tokens: int
    completion_tokens: int
    spent: float
    saved: float | None
    unpriced: int = 0
    doubted: int = 0
    left_to_mine: int = 0
    doubted_cost: float = 0.0


class Report(msgspec.Struct, frozen=True):
    """US dollars, and counts. `here` is the share of answers, from 0 to 1, for which no prompt left this
    machine, None where there are none; `left` counts attempts that took a prompt away, `left_to_mine` those
    of them to other machines of the user's, `unpriced` those whose cost nobody knows and no sum holds,
    `doubted` the answers of this machine that were given up for another's, which cost `doubted_cost`."""

    today: float
    this_month: float
    day_budget: float | None
    month_budget: float | None
    spent: float
    saved: float | None
    answers: int
    here: float | None
    left: int
    compared_with: list[str]
    prices_as_of: str
    lines: list[Line]
    unpriced: int = 0
    doubted: int = 0
    left_to_mine: int = 0
    doubted_cost: float = 0.0


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
        saved=None if any(line.saved is None for line in lines) else sum(line.saved or 0.0 for line in lines),
        answers=answers,
        here=sum(line.here for line in lines) / answers if answers else None,
        left=sum(line.left for line in lines),
        compared_with=[clouds.mid, clouds.strong],
        prices_as_of=prices_as_of,
        lines=lines,
        unpriced=sum(line.unpriced for line in lines),
        doubted=sum(line.doubted for line in lines),
        left_to_mine=sum(line.left_to_mine for line in lines),
        doubted_cost=sum(line.doubted_cost for line in lines),
    )


def texts(found: Report, since: str) -> list[str]:
    """The lines above the table, for people; `since` is its first day."""
    lately = [
        f"today              {_dollars(found.today)}{_of(found.day_budget)}",
        f"this month         {_dollars(found.this_month)}{_of(found.month_budget)}",
    ]
    if not found.lines:
        return [*lately, f"nothing was asked since {since}"]
    share = "-" if found.here is None else f"{found.here:.0%}"
    mid, strong = found.compared_with
    return [
        *lately,
        f"spent              {_spent(found.spent, found.unpriced)}",
        f"saved              {_saved(found.saved)} against {mid} and {strong} for everything",
        f"answered here      {share} of {found.answers}",
        f"left this machine  {counted(found.left, 'time')}{_to_mine(found)}",
        *([f"doubted            {_doubted(found)}"] if found.doubted else []),
    ]


def cells(line: Line) -> tuple[str, ...]:
    """A row of the table."""
    counts = (line.answers, line.here, line.left, line.prompt_tokens, line.completion_tokens)
    spent = UNKNOWN if line.unpriced and not line.spent else _dollars(line.spent)
    more = f" + {UNKNOWN}" if line.unpriced and line.spent else ""
    return (
        line.key or "-",
        *map(str, counts),
        spent + more,
        UNKNOWN if line.saved is None else _dollars(line.saved),
    )


UNKNOWN = "?"

HEAD = ("ANSWERS", "HERE", "LEFT", "TOKENS IN", "TOKENS OUT", "SPENT", "SAVED")

SPARE = ("TOKENS IN", "TOKENS OUT", "HERE")
"""What a narrow terminal does without, in this order."""


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
        sums.unpriced,
        sums.doubted,
        sums.left_to_mine,
        sums.doubted_cost,
    )


def _to_mine(found: Report) -> str:
    """How many of those went no further than to other machines of the user's."""
    return f", {found.left_to_mine} of them to machines of yours" if found.left_to_mine else ""


def _doubted(found: Report) -> str:
    share = found.doubted / found.answers if found.answers else 1.0
    cost = f" for {_dollars(found.doubted_cost)}" if found.doubted_cost else ""
    return f"{counted(found.doubted, 'answer')} of this machine gave way to another's{cost}, {share:.0%}"


def _cost(price: Price | None, tokens: Tokens) -> float | None:
    if not (tokens.prompt or tokens.completion):
        return 0.0
    return None if price is None else price.expected(tokens.prompt, tokens.completion)


def _spent(amount: float, unpriced: int) -> str:
    if not unpriced:
        return _dollars(amount)
    answers = f"{unpriced} answer{'s' * (unpriced != 1)}"
    known = f"{_dollars(amount)}, and " if amount else ""
    return f"{known}nobody knows what {answers} cost; their prices go into [prices] of the settings"


def _saved(amount: float | None) -> str:
    return "nobody knows how much" if amount is None else _dollars(amount)


def _dollars(amount: float) -> str:
    """Cents where they are enough, more digits for what is less."""
    if 0 < amount < 0.0001:
        return "<$0.0001"
    return f"${amount:.2f}" if amount >= 0.1 or not amount else f"${amount:.4f}"


def _of(budget: float | None) -> str:
    return "" if budget is None else f" of {_dollars(budget)}"
