"""Which connections have to go: those that have had their time, and the idlest where there are too many."""

from ai_pal.gateway.wire.crowd import Crowd, Phase

TIMES = {Phase.SILENT: 10.0, Phase.SPENT: 10.0, Phase.IDLE: 60.0, Phase.LEAVING: 30.0}


def crowd(most: int = 4) -> Crowd[str]:
    return Crowd(most, TIMES)


def test_each_phase_has_its_time_and_a_request_has_none() -> None:
    some = crowd(8)
    for name, phase in zip("abcde", Phase, strict=True):
        some.came(name, 0.0)
        some.is_now(name, phase, 0.0)
    assert some.overdue(9.9) == []
    assert set(some.overdue(10.0)) == {"a", "c"}
    assert set(some.overdue(60.0)) == {"a", "c", "d", "e"}


def test_a_new_phase_begins_anew() -> None:
    some = crowd()
    some.came("a", 0.0)
    some.is_now("a", Phase.IDLE, 9.0)
    assert some.overdue(60.0) == []
    assert some.overdue(69.0) == ["a"]
    some.left("a")
    assert (some.overdue(1e9), len(some)) == ([], 0)


def test_where_there_are_too_many_the_longest_silent_goes() -> None:
    some = crowd(2)
    for number, name in enumerate("abcd"):
        assert some.came(name, number / 10) == []
    assert some.overdue(0.5) == [], "a request may be on its way"
    assert some.overdue(2.0) == ["a", "b"]
    some.is_now("a", Phase.ASKING, 2.0)
    some.is_now("b", Phase.IDLE, 2.0)
    assert some.overdue(3.0) == ["c", "d"]


def test_who_is_at_work_is_never_ended_for_another() -> None:
    some = crowd(2)
    for name in "ab":
        assert some.came(name, 0.0) == []
        some.is_now(name, Phase.ASKING, 0.0)
    assert some.came("c", 0.0) == ["c"]
    assert some.overdue(1e9) == []


def test_beyond_twice_as_many_the_longest_silent_goes_at_once() -> None:
    some = crowd(2)
    assert [some.came(name, 0.0) for name in "abcd"] == [[]] * 4
    some.is_now("a", Phase.ASKING, 0.0)
    assert some.came("e", 0.0) == ["b"]
    some.left("b")
    for name in "cde":
        some.is_now(name, Phase.LEAVING, 0.0)
    assert some.came("f", 0.0) == ["f"], "nobody else is silent"
