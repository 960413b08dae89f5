"""When replicas come and go, and who gets a request, case by case."""

import pytest

from ai_pal.protocol import worker as inner
from ai_pal.protocol.content import Message, Text
from ai_pal.server.pool.jobs.prefixes import FIRST, LAST, KnownPrefixes, fingerprints
from ai_pal.server.pool.members.replicas import (
    Bounds,
    Call,
    End,
    Facts,
    Pace,
    Replica,
    Standing,
    Taker,
    next_look,
    scale,
    taker,
)

PACE = Pace(up_after=2.0, down_after=60.0, hold=15.0)
UP, COMING, ABSENT, AWAY = Standing.UP, Standing.COMING, Standing.ABSENT, Standing.AWAY


def replicas(*standings: Standing, running: int = 1, idle_since: float = 0.0) -> list[Replica]:
    return [Replica(n, standing, running, idle_since) for n, standing in enumerate(standings, 1)]


@pytest.mark.parametrize(
    ("takers", "chosen"),
    [
        ([Taker(1, 0), Taker(2, 0)], 1),
        ([Taker(1, 2), Taker(2, 1)], 2),
        ([Taker(1, 0, known=1), Taker(2, 0, known=3)], 2),
        ([Taker(1, 0), Taker(2, 2, known=3)], 2),
        ([Taker(1, 0), Taker(2, 3, known=3)], 1),
        ([Taker(1, 1, known=1), Taker(2, 0, known=1)], 2),
    ],
)
def test_a_request_goes_to_its_prefix_else_to_the_least_busy(takers: list[Taker], chosen: int) -> None:
    assert taker(takers) == chosen


def test_the_least_come_beside_the_first_and_none_comes_before_it() -> None:
    bounds = Bounds(2, 3)
    assert scale(replicas(ABSENT, ABSENT, ABSENT), bounds, PACE, Facts(waiting_since=0.0), 9.0) is None
    assert scale(replicas(COMING, ABSENT, ABSENT), bounds, PACE, Facts(), 0.0) == Call(2)
    assert scale(replicas(AWAY, UP, ABSENT), bounds, PACE, Facts(), 0.0) == Call(3)
    assert scale(replicas(COMING, COMING, ABSENT), bounds, PACE, Facts(), 0.0) is None


def test_one_more_comes_when_somebody_has_waited_and_all_called_are_there() -> None:
    bounds, facts = Bounds(1, 3), Facts(waiting_since=10.0, changed_at=5.0)
    assert scale(replicas(UP, ABSENT, ABSENT), bounds, PACE, facts, 11.9) is None
    assert next_look(replicas(UP, ABSENT, ABSENT), bounds, PACE, facts, 11.9) == 12.0
    assert scale(replicas(UP, ABSENT, ABSENT), bounds, PACE, facts, 12.0) == Call(2)
    assert scale(replicas(UP, COMING, ABSENT), bounds, PACE, facts, 20.0) is None
    fresh = Facts(waiting_since=10.0, changed_at=19.0)
    assert scale(replicas(UP, UP, ABSENT), bounds, PACE, fresh, 20.0) is None
    assert scale(replicas(UP, UP, ABSENT), bounds, PACE, fresh, 21.0) == Call(3)
    assert scale(replicas(UP, UP, UP), bounds, PACE, fresh, 99.0) is None


def test_none_comes_for_a_while_after_one_could_not() -> None:
    bounds, facts = Bounds(2, 2), Facts(held_until=15.0)
    assert scale(replicas(UP, ABSENT), bounds, PACE, facts, 14.9) is None
    assert next_look(replicas(UP, ABSENT), bounds, PACE, facts, 14.9) == 15.0
    assert scale(replicas(UP, ABSENT), bounds, PACE, facts, 15.0) == Call(2)


def test_the_one_that_idles_longest_goes_and_the_least_stay() -> None:
    idle = [Replica(1, UP, 0, 3.0), Replica(2, UP, 0, 1.0), Replica(3, UP, 1)]
    assert scale(idle, Bounds(1, 3), PACE, Facts(), 60.9) is None
    assert next_look(idle, Bounds(1, 3), PACE, Facts(), 60.9) == 61.0
    assert scale(idle, Bounds(1, 3), PACE, Facts(), 61.0) == End(2)
    assert scale(idle, Bounds(3, 3), PACE, Facts(), 99.0) is None
    assert scale(idle, Bounds(1, 3), PACE, Facts(keep_alive=5.0), 6.0) == End(2)


def test_who_is_beyond_a_new_bound_goes_when_it_is_idle() -> None:
    assert scale(replicas(UP, UP, running=1), Bounds(1, 1), PACE, Facts(), 9.0) is None
    assert scale(replicas(UP, UP, running=0), Bounds(1, 1), PACE, Facts(), 9.0) == End(2)


def said(*turns: str) -> inner.Generate:
    roles = ("user", "assistant")
    return inner.Generate(0, [Message(roles[n % 2], turn) for n, turn in enumerate(turns)])  # type: ignore[arg-type]


def test_a_second_turn_is_known_by_its_first() -> None:
    known = KnownPrefixes()
    known.reads(fingerprints(said("one")), 2)
    second = fingerprints(said("one", "answer", "two"))
    assert known.known(second, 2) == 1
    assert known.known(second, 1) == 0
    assert known.known(fingerprints(said("another", "answer", "two")), 2) == 0
    known.forget(2)
    assert known.known(second, 2) == 0
    assert not len(known)


def test_a_turn_is_the_same_whichever_way_it_is_written() -> None:
    assert fingerprints(said("one")) == fingerprints(inner.Generate(0, [Message("user", [Text("one")])]))


def test_what_is_known_of_prompts_is_bounded_and_holds_no_text() -> None:
    long = fingerprints(said(*(f"turn {n}" for n in range(100))))
    assert len(long) == FIRST + LAST
    known = KnownPrefixes(most=5)
    known.reads(long, 1)
    assert len(known) == 5
    assert all(len(one) == 8 for one in long)


def test_what_leaves_nothing_to_go_on_from_has_no_fingerprint() -> None:
    assert fingerprints(inner.EmbedTexts(0, ["one"])) == ()
    assert len(fingerprints(inner.CompleteText(0, "one"))) == 1
