"""Keys of clients over HTTP with their rights, for `ai-pal keys list`."""

import time
from collections.abc import Sequence

import msgspec

from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.table import table, terminal_width
from ai_pal.config.client_keys import Keys
from ai_pal.providers.dollars import dollars


class Listed(msgspec.Struct, frozen=True):
    """One key. No `models` are all; `budget_day` is in US dollars, times are in seconds since 1970."""

    name: str
    created: float
    models: tuple[str, ...]
    local_only: bool
    mine: bool
    budget_day: float | None
    expires: float | None
    expired: bool
    manage: bool


def listed(keys: Keys, now: float | None = None) -> list[Listed]:
    """In the order of their names."""
    at = time.time() if now is None else now
    return [
        Listed(
            *(name, key.created, key.models, key.local_only, key.mine, key.budget_day),
            *(key.expires, key.expired(at), key.manage),
        )
        for name, key in sorted(keys.items())
    ]


def client_table(rows: Sequence[Listed]) -> str:
    """For people."""
    return table(
        ("CLIENT", "MODELS", "MAY", "EXPIRES"),
        [(row.name, neutral_line(" ".join(row.models)) or "all", _may(row), _expires(row)) for row in rows],
        width=terminal_width(),
    )


def _may(row: Listed) -> str:
    said = ["ask here only" if row.local_only else "ask your machines only" if row.mine else "ask"]
    said += [f"{dollars(row.budget_day)} a day"] if row.budget_day is not None else []
    return ", ".join([*said, *(["manage"] if row.manage else [])])


def _expires(row: Listed) -> str:
    if row.expires is None:
        return "never"
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.expires))
    return f"expired {day}" if row.expired else day
