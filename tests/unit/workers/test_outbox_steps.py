"""Text that comes fast leaves a worker in steps, the first of each answer at once."""

import select
from collections.abc import Iterator

import msgspec
import pytest

from ai_pal.protocol.content import TokenLogprob
from ai_pal.protocol.usage import Usage
from ai_pal.protocol.worker import Deltas, GenerationDone, Probabilities, decode_from_worker
from workers.engines.base import OpenPart
from workers.outbox import Outbox
from workers.pace import patience
from workers.repeats import Repeats

STEP = 0.016
BEAT = 1000.0


class Time:
    """A clock that stands until it is moved on."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def outbox(time: Time) -> Iterator[Outbox]:
    made = Outbox(limit=1000, clock=time)
    made.pace.interval = STEP
    made.open(1)
    yield made
    made.close()


def woken(outbox: Outbox) -> bool:
    """Whether the loop is woken; calms it as the loop does."""
    found = bool(select.select([outbox.wake_fd], [], [], 0)[0])
    outbox.acknowledge()
    return found


def texts(outbox: Outbox, *, held: bool = False) -> list[str]:
    found = [decode_from_worker(frame) for frame in outbox.take(held=held)]
    items = [item for one in found if isinstance(one, Deltas) for item in one.items]
    return [msgspec.msgpack.decode(item.text) for item in items]


def first(outbox: Outbox, key: int = 1) -> None:
    outbox.delta(key, "first")
    assert woken(outbox)
    assert texts(outbox) == ["first"]
    assert texts(outbox) == []


def test_the_first_text_leaves_at_once_and_what_follows_waits(outbox: Outbox, time: Time) -> None:
    first(outbox)
    for piece in "abc":
        time.now += STEP / 4
        outbox.delta(1, piece)
        assert not woken(outbox)
        assert texts(outbox) == []
    time.now += STEP / 4
    assert texts(outbox) == ["abc"]


def test_the_loop_comes_by_itself_when_a_step_is_over_and_no_later(outbox: Outbox, time: Time) -> None:
    first(outbox)
    outbox.delta(1, "a")
    wait = patience(time.now, time.now + BEAT, outbox.pace.due)
    assert STEP - 0.001 <= wait / 1000 <= STEP
    time.now += wait / 1000
    assert texts(outbox) == ["a"]


def test_after_a_pause_text_leaves_at_once(outbox: Outbox, time: Time) -> None:
    first(outbox)
    time.now += STEP
    assert texts(outbox) == []  # the loop came for nothing: it comes no more by itself
    assert outbox.pace.due == 0.0
    assert patience(time.now, time.now + BEAT, outbox.pace.due) > BEAT * 1000 - 1
    outbox.delta(1, "a")
    assert woken(outbox)
    assert texts(outbox) == ["a"]


def test_the_end_takes_what_is_held_back_along(outbox: Outbox) -> None:
    first(outbox)
    outbox.delta(1, "a")
    outbox.done(1, "stop", Usage(), 0.0, 0.0)
    assert woken(outbox)
    messages = [decode_from_worker(frame) for frame in outbox.take()]
    assert [type(message) for message in messages] == [Deltas, GenerationDone]
    assert messages[1].seq == 2


def test_the_first_text_of_another_answer_waits_for_nobody(outbox: Outbox) -> None:
    first(outbox)
    outbox.delta(1, "a")
    outbox.open(2)
    outbox.delta(2, "other")
    assert woken(outbox)
    assert texts(outbox) == ["a", "other"]


def test_no_more_is_held_back_than_has_room(outbox: Outbox) -> None:
    first(outbox)
    outbox.delta(1, "x" * 500)
    assert not woken(outbox)
    outbox.delta(1, "x" * 500)
    assert woken(outbox)
    assert texts(outbox) == ["x" * 1000]


def test_parts_and_probabilities_that_are_held_back_keep_their_order(outbox: Outbox, time: Time) -> None:
    first(outbox)
    token = TokenLogprob(b"a", -1.0)
    outbox.delta(1, "thought", 1, OpenPart("reasoning", 0))
    outbox.logprobs(1, [token])
    outbox.delta(1, "text", 1, OpenPart("text", 1))
    outbox.logprobs(1, [token])
    assert not woken(outbox)
    assert outbox.take() == []
    time.now += STEP
    deltas, probable = (decode_from_worker(frame) for frame in outbox.take())
    assert isinstance(deltas, Deltas)
    assert [(item.seq, item.n, item.kind) for item in deltas.items] == [(1, 1, "reasoning"), (2, 1, "text")]
    assert isinstance(probable, Probabilities)
    assert (probable.seq, len(probable.tokens)) == (1, 2)


def test_what_goes_behind_all_reports_takes_them_along(outbox: Outbox) -> None:
    first(outbox)
    outbox.delta(1, "a")
    assert texts(outbox) == []
    assert texts(outbox, held=True) == ["a"]


def test_an_answer_that_repeats_itself_is_stopped_at_once(time: Time) -> None:
    outbox = Outbox(clock=time)
    outbox.pace.interval = STEP
    outbox.open(1, Repeats())
    first(outbox)
    while not outbox.repeating():
        outbox.delta(1, "again and ")
    assert woken(outbox)


def test_without_a_step_nothing_is_held_back(outbox: Outbox) -> None:
    outbox.pace.interval = 0.0
    first(outbox)
    outbox.delta(1, "a")
    assert woken(outbox)
    assert texts(outbox) == ["a"]
