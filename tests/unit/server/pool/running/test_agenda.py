"""Who is due when, asked as seldom as can be."""

from collections import Counter

from ai_pal.server.pool.running.agenda import AHEAD, Agenda


class Times:
    """When each is due; counts how often that was asked."""

    def __init__(self, **times: float | None) -> None:
        self.times = times
        self.asked = Counter[str]()
        self.agenda = Agenda(self._due_at)
        for name in times:
            self.agenda.put(name)

    def _due_at(self, name: str) -> float | None:
        self.asked[name] += 1
        return self.times[name]


def test_who_is_due_comes_once_and_the_others_in_their_time() -> None:
    here = Times(a=1.0, b=5.0, never=None)
    assert here.agenda.next == 1.0
    assert here.agenda.due(0.5) == []
    assert here.agenda.due(1.0) == ["a"]
    assert here.agenda.due(1.0) == []
    assert here.agenda.next == 5.0
    assert here.agenda.due(9.0) == ["b"]
    assert here.agenda.next is None


def test_who_was_put_off_is_not_due_and_is_asked_only_when_it_would_have_been() -> None:
    here = Times(a=10.0)
    here.asked.clear()
    for now in range(9):
        here.times["a"] = now + 10.0
        assert here.agenda.due(now) == []
    assert not here.asked, "each sign of life costs something"
    assert here.agenda.due(10.0) == []
    assert here.agenda.next == 18.0
    assert here.agenda.due(18.0) == ["a"]


def test_an_earlier_time_counts_at_once_and_the_old_one_no_more() -> None:
    here = Times(a=10.0)
    here.times["a"] = 2.0
    here.agenda.put("a")
    assert here.agenda.next == 2.0
    assert here.agenda.due(2.0) == ["a"]
    assert here.agenda.due(10.0) == []


def test_who_is_dropped_is_never_due() -> None:
    here = Times(a=1.0, b=2.0)
    here.agenda.drop("a")
    assert here.agenda.next == 2.0
    assert here.agenda.due(5.0) == ["b"]


def test_many_that_were_put_off_are_asked_together() -> None:
    here = Times(**{f"w{number}": 10.0 + AHEAD * number / 1000 for number in range(1000)})
    here.times = {name: 20.0 + AHEAD * number / 1000 for number, name in enumerate(here.times)}
    assert here.agenda.due(10.0) == []
    assert here.agenda.next == 20.0
