"""Those who answer, put together."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from ai_pal.config.current import CurrentSettings
from ai_pal.server.app import answerers


class EnoughError(Exception):
    """The rest is not put together."""


def test_what_the_ledger_tells_from_its_thread_is_not_observed_on_the_loop(
    ai_pal_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Callable[..., None]] = []

    def open_accounts(file: Path, observe: Callable[..., None], *, budgeted: bool) -> None:
        told.append(observe)
        raise EnoughError

    monkeypatch.setattr(answerers, "open_accounts", open_accounts)
    none = cast("Any", None)
    with pytest.raises(EnoughError):
        answerers.Answerers(
            current=CurrentSettings(),
            clients=none,
            local=none,
            egress=none,
            links=none,
            clock=none,
            observe=lambda event, **fields: pytest.fail("it was"),
        )
    told[0]("ledger_failed", code="x", reason="y")
