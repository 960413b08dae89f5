"""The charts of `ai-pal usage --plot`: by day, each model a colour. Pure."""

import time
from collections.abc import Callable, Sequence

from ai_pal.cli.terminal.plots import Chart
from ai_pal.store.ledger import Sums

MOST_DAYS = 3 * 366
"""Days from the first one with something: a chart of more shows nothing."""

NOON, DAY = 43_200.0, 86_400.0


def charts(sums: Sequence[Sums], today: str) -> list[Chart]:
    """Of sums by day and model, from the first day of which there is anything until today."""
    by_place = {tuple(one.key.split(" ", 1)): one for one in sums}
    days = _days(min((day for day, *_ in by_place), default=today), today)
    models = sorted({model for _, *rest in by_place for model in rest})

    def of(value: Callable[[Sums], float]) -> dict[str, list[float | None]]:
        found = {
            model: [value(one) if (one := by_place.get((day, model))) else None for day in days]
            for model in models
        }
        return {model: values for model, values in found.items() if any(values)}

    return [
        Chart(
            "Tokens, read and written", days, of(lambda one: one.tokens.prompt + one.tokens.completion), True
        ),
        Chart("US dollars, as far as prices are known", days, of(lambda one: one.cost), True),
        Chart("Answers given here, in percent", days, {"": _shares(sums, days)}, most=100.0),
        Chart("Prompts that left this machine", days, of(lambda one: one.left), True),
    ]


def _shares(sums: Sequence[Sums], days: Sequence[str]) -> list[float | None]:
    answers, here = dict.fromkeys(days, 0), dict.fromkeys(days, 0)
    for one in sums:
        day = one.key.partition(" ")[0]
        if day in answers:
            answers[day] += one.answers
            here[day] += one.here
    return [100.0 * here[day] / answers[day] if answers[day] else None for day in days]


def _days(first: str, last: str) -> list[str]:
    """All of them, also those on which nothing was asked."""
    at = time.mktime(time.strptime(first, "%Y-%m-%d")) + NOON  # also where a day has 23 hours
    days = [first]
    while days[-1] < last and len(days) < MOST_DAYS:
        at += DAY
        days.append(time.strftime("%Y-%m-%d", time.localtime(at)))
    return days
