"""Days and months begin at local midnight, also where clocks change."""

import time
from collections.abc import Iterator

import pytest

from ai_pal.store.calendar import day_of, month_of


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
    day, month = day_of(evening), month_of(evening)
    assert evening - day.start == 19 * 3600
    assert day.end - evening == 4 * 3600
    assert [time.localtime(at)[:5] for at in month] == [(2026, 3, 1, 0, 0), (2026, 4, 1, 0, 0)]


@pytest.mark.usefixtures("berlin")
def test_the_last_day_of_the_year_ends_with_it() -> None:
    evening = time.mktime((2026, 12, 31, 20, 0, 0, 0, 0, -1))
    assert day_of(evening).end == month_of(evening).end == time.mktime((2027, 1, 1, 0, 0, 0, 0, 0, -1))
    assert day_of(evening).end not in day_of(evening)
