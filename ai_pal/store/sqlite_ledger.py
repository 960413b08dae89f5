"""The ledger in the user's database."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from ai_pal.store.calendar import Span
from ai_pal.store.database import explained, open_database, open_to_read, transaction
from ai_pal.store.ledger import (
    ANSWERED,
    DOUBTED,
    HARD,
    LOCAL_TIER,
    MACHINE_TIER,
    UNKNOWN,
    Attempt,
    By,
    Spent,
    Sums,
    Tokens,
)

_COLUMNS = Attempt.__struct_fields__
_INSERT = f"INSERT INTO attempts ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_SPENT = """
    SELECT coalesce(sum(cost) FILTER (WHERE at >= :day AND at < :day_end), 0.0), coalesce(sum(cost), 0.0)
    FROM attempts WHERE at >= :month AND at < :month_end AND cost > 0
"""
_KEYS = {
    "day": "date(at, 'unixepoch', 'localtime')",
    "model": f"CASE tier WHEN {LOCAL_TIER} THEN model ELSE provider || ':' || model END",
    "day and model": "{day} || ' ' || {model}",
    "tier": "CAST(tier AS TEXT)",
    "principal": "principal",
}
_SUMMARY = """
    WITH marked AS (
        SELECT *, {key} AS key, outcome = '{answered}' AS answered,
            outcome = '{answered}' AND NOT remote AS here, coalesce(score, 0.0) > :strong AS strong,
            request IN (SELECT request FROM attempts WHERE outcome = '{doubted}') AS was_doubted
        FROM attempts WHERE at >= :since AND at < :until
    )
    SELECT key, count(*), sum(answered), sum(here), sum(remote), sum(cost), sum(NOT priced),
        sum(prompt_tokens), sum(completion_tokens),
        sum(prompt_tokens * (here AND NOT strong)), sum(completion_tokens * (here AND NOT strong)),
        sum(prompt_tokens * (here AND strong)), sum(completion_tokens * (here AND strong)),
        sum(remote AND tier = {machine}), sum(outcome = '{doubted}'),
        sum(cost * was_doubted)
    FROM marked GROUP BY key {having} ORDER BY key
"""
_TRACE = f"HAVING sum(outcome <> '{UNKNOWN}' OR remote) > 0"
"""There is such a model, or a prompt left this machine for it all the same."""


class SqliteLedger:
    """Implements `Ledger` for the thread that made it. Who only `reads` can do so on a full disk too."""

    def __init__(self, file: Path, *, reads: bool = False) -> None:
        self._file = file
        self._connection: sqlite3.Connection = (open_to_read if reads else open_database)(file)

    def record(self, attempts: Sequence[Attempt]) -> None:
        rows = map(msgspec.structs.astuple, attempts)
        try:
            with explained(self._file), transaction(self._connection):
                self._connection.executemany(_INSERT, rows)
        except OverflowError as error:
            raise ValueError(str(error)) from None

    def spent(self, day: Span, month: Span) -> Spent:
        bounds = {"day": day.start, "day_end": day.end, "month": month.start, "month_end": month.end}
        with explained(self._file):
            row = self._connection.execute(_SPENT, bounds).fetchone()
        return Spent(*row)

    def summary(
        self,
        by: By,
        since: float = float("-inf"),
        until: float = float("inf"),
    ) -> list[Sums]:
        having = _TRACE if "model" in by else ""
        query = _SUMMARY.format(
            key=_KEYS[by].format_map(_KEYS),
            answered=ANSWERED,
            doubted=DOUBTED,
            machine=MACHINE_TIER,
            having=having,
        )
        bounds = {"since": since, "until": until, "strong": HARD}
        with explained(self._file):
            return [_sums(row) for row in self._connection.execute(query, bounds)]

    def close(self) -> None:
        self._connection.close()


def _sums(row: tuple[Any, ...]) -> Sums:
    key, attempts, answers, here, left, cost, unpriced, *tokens, to_mine, doubted, doubted_cost = row
    total, mid, strong = (Tokens(*tokens[at : at + 2]) for at in (0, 2, 4))
    return Sums(
        key=key, attempts=attempts, answers=answers, here=here, left=left, tokens=total, cost=cost,
        mid=mid, strong=strong, unpriced=unpriced, doubted=doubted, left_to_mine=to_mine,
        doubted_cost=doubted_cost,
    )  # fmt: skip
