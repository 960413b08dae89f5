"""Days and months begin at local midnight, also where clocks change."""

import time
from collections.abc import Iterator

import pytest

from ai_pal.store.calendar import day_start, month_start


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
def test_the_day_of_a_clock_change_begins_at_its_own_midnight() -> None:
    evening = time.mktime((2026, 3, 29, 20, 0, 0, 0, 0, -1))  # 19 hours after midnight
    assert evening - day_start(evening) == 19 * 3600
    assert time.localtime(month_start(evening))[:5] == (2026, 3, 1, 0, 0)
