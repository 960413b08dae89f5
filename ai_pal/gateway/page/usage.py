"""What was used and paid, for the page: sums of the ledger, and plots of its days. Pure."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ai_pal.config.tables import RouterSettings
from ai_pal.conversations.neutral import neutral_line
from ai_pal.gateway.page.plots import Bar, bars
from ai_pal.store.doubts import ModelDoubts
from ai_pal.store.ledger import Ledger, Sums
from ai_pal.store.taught import Taught, taught, verdict

DAYS = 30
_DAY = 86_400.0

NAMED = 4
"""Models that have a colour of their own; those that were used less are `others`."""

OTHERS = "others"

Json = dict[str, Any]


def used(ledger: Ledger, now: float, days: int = DAYS) -> Json:
    """The last days: figures, plots and a line for each model."""
    since = now - days * _DAY
    by_day, by_model = ledger.summary("day", since), ledger.summary("model", since)
    answers = sum(one.answers for one in by_day)
    here = sum(one.here for one in by_day)
    by_model.sort(key=lambda one: (-one.answers, one.key))
    return {
        "days": days,
        "answers": answers,
        "here": here / answers if answers else None,
        "left": sum(one.left for one in by_day),
        "tokens": sum(map(_tokens, by_day)),
        "cost": sum(one.cost for one in by_day),
        "unpriced": sum(one.unpriced for one in by_day),
        "doubted": sum(one.doubted for one in by_day),
        "doubted_cost": sum(one.doubted_cost for one in by_day),
        "plots": _plots(by_day, by_model, ledger.summary("day and model", since), now) if answers else [],
        "models": [_line(one) for one in by_model],
    }


def doubted(known: Mapping[str, ModelDoubts], router: RouterSettings) -> Json:
    """What `ai-pal usage --routing` tells, and what the settings say of doubts."""
    rows = [_taught(row) for row in taught(known)]
    return {
        "escalate": router.escalate,
        "share": router.escalate_share,
        "learns": router.learn,
        "models": rows,
    }


def _taught(row: Taught) -> Json:
    said = {"kind": row.kind, "answers": row.answers, "good": row.good, "bad": row.bad}
    return {"model": neutral_line(row.model), **said, "verdict": verdict(row)}


def _line(one: Sums) -> Json:
    return {
        "name": neutral_line(one.key),
        "answers": one.answers,
        "here": one.here,
        "prompt": one.tokens.prompt,
        "completion": one.tokens.completion,
        "cost": None if one.unpriced else one.cost,
    }


def _plots(
    by_day: Sequence[Sums], by_model: Sequence[Sums], by_both: Sequence[Sums], now: float
) -> list[Json]:
    days = _days(min(one.key for one in by_day), now)
    places = [("here", "on this machine"), ("away", "elsewhere")]
    of_day = {one.key: one for one in by_day}
    answers = [_bar(day, _places(of_day.get(day)), "answers", places) for day in days]
    plots = [_plot("Answers by day", answers, places)]
    models = [one.key for one in by_model if _tokens(one)][:NAMED]
    series = [(f"share-{at}", neutral_line(name)) for at, name in enumerate(models, 1)]
    if sum(bool(_tokens(one)) for one in by_model) > len(models):
        series.append(("others", OTHERS))
    if series:
        of_both = {tuple(one.key.split(" ", 1)): one for one in by_both}
        tokens = [
            _bar(day, _by_model(day, models, of_both, _tokens, len(series)), "tokens", series) for day in days
        ]
        plots.append(_plot("Tokens by day and model", tokens, series))
        for title, what, of in _WHERE_ANY:
            if any(of(one) for one in by_both):
                parts = [_by_model(day, models, of_both, of, len(series)) for day in days]
                plotted = [_bar(day, some, what, series) for day, some in zip(days, parts, strict=True)]
                plots.append(_plot(title, plotted, series))
    return plots


_WHERE_ANY: tuple[tuple[str, str, Callable[[Sums], float]], ...] = (
    ("US dollars by day and model", "US dollars", lambda one: one.cost),
    ("Prompts that left this machine by day and model", "prompts that left", lambda one: one.left),
)


def _plot(title: str, days: Sequence[Bar], series: Sequence[tuple[str, str]]) -> Json:
    return {"title": title, "svg": bars(days, title, [kind for kind, _ in series]), "key": series}


def _days(first: str, now: float) -> list[str]:
    """The days from the first, or from two weeks ago, until today."""
    names = [time.strftime("%Y-%m-%d", time.localtime(now - back * _DAY)) for back in range(DAYS, -1, -1)]
    begin = min(first, names[-14])
    return [name for name in dict.fromkeys(names) if name >= begin]


def _places(one: Sums | None) -> list[float]:
    return [one.here, one.answers - one.here] if one else [0, 0]


def _by_model(
    day: str,
    models: Sequence[str],
    found: dict[tuple[str, ...], Sums],
    of: Callable[[Sums], float],
    count: int,
) -> list[float]:
    """The part of each model on this day; the last is that of all others, where there are so many series."""
    parts = [of(found[day, name]) if (day, name) in found else 0 for name in models]
    rest = sum(of(one) for (on, name), one in found.items() if on == day and name not in models)
    return [*parts, rest][:count]


def _bar(day: str, parts: Sequence[float], of: str, series: Sequence[tuple[str, str]]) -> Bar:
    said = [
        f"{name} {part:,.4g}" if isinstance(part, float) else f"{name} {part:,}"
        for part, (_, name) in zip(parts, series, strict=True)
        if part
    ]
    return Bar(day[5:], parts, f"{day}: {of}: {', '.join(said) or 'none'}")


def _tokens(one: Sums) -> int:
    return one.tokens.prompt + one.tokens.completion
