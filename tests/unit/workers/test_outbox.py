"""The queue between an engine's threads and the worker's loop."""

import select
import threading
from collections.abc import Iterator

import msgspec
import pytest

from ai_pal.errors import Failure
from ai_pal.protocol.content import FinishReason
from ai_pal.protocol.usage import Usage
from ai_pal.protocol.worker import (
    AnyFromWorker,
    Deltas,
    GenerationCancelled,
    GenerationDone,
    GenerationFailed,
    LoadProgress,
    Reading,
    Trimmed,
    decode_from_worker,
)
from workers.outbox import Outbox
from workers.repeats import Repeats

TIMEOUT = 60.0


@pytest.fixture
def outbox() -> Iterator[Outbox]:
    made = Outbox(limit=1000)
    yield made
    made.close()


def taken(outbox: Outbox) -> list[AnyFromWorker]:
    return [decode_from_worker(frame) for frame in outbox.take()]


def items(outbox: Outbox) -> list[tuple[int, int, int, str]]:
    """(key, seq, n, text) of everything that waits."""
    return [
        (item.key, item.seq, item.n, msgspec.msgpack.decode(item.text))
        for message in taken(outbox)
        if isinstance(message, Deltas)
        for item in message.items
    ]


def readable(outbox: Outbox, timeout: float = 0) -> bool:
    return bool(select.select([outbox.wake_fd], [], [], timeout)[0])


def test_text_of_one_key_is_one_item(outbox: Outbox) -> None:
    outbox.open(1)
    for piece in ("a", "b", "c"):
        outbox.delta(1, piece)
    assert items(outbox) == [(1, 0, 3, "abc")]


def test_sequence_goes_on_where_it_was(outbox: Outbox) -> None:
    outbox.open(1)
    outbox.delta(1, "ab", 2)
    outbox.take()
    outbox.delta(1, "c")
    assert items(outbox) == [(1, 2, 1, "c")]


def test_all_that_waits_leaves_in_one_message(outbox: Outbox) -> None:
    for key in (1, 2, 3):
        outbox.open(key)
        outbox.delta(key, "x")
    assert len(outbox.take()) == 1


def test_order_is_trimmed_then_text_then_end(outbox: Outbox) -> None:
    outbox.open(1)
    outbox.trimmed(1, 2, 512)
    outbox.delta(1, "x")
    outbox.done(1, "stop", Usage(), 0.0, 0.0)
    assert [type(message) for message in taken(outbox)] == [Trimmed, Deltas, GenerationDone]


def test_a_generation_ends_once(outbox: Outbox) -> None:
    outbox.open(1)
    outbox.done(1, "stop", Usage(), 0.0, 0.0)
    outbox.failed(1, Failure("internal", "late"))
    outbox.cancelled(1, Usage())
    outbox.delta(1, "late")
    assert [type(message) for message in taken(outbox)] == [GenerationDone]
    assert outbox.active == 0


def test_a_key_that_is_not_open_says_nothing(outbox: Outbox) -> None:
    outbox.delta(9, "x")
    outbox.trimmed(9, 1, 2)
    outbox.failed(9, Failure("internal", "x"))
    assert outbox.take() == []


def test_an_open_key_cannot_be_opened_again(outbox: Outbox) -> None:
    assert outbox.open(1)
    assert not outbox.open(1)


def test_cancelled_text_is_dropped_and_the_end_arrives(outbox: Outbox) -> None:
    outbox.open(1)
    outbox.cancel(1)
    outbox.delta(1, "late")
    outbox.cancelled(1, Usage())
    assert [type(message) for message in taken(outbox)] == [GenerationCancelled]


def test_failure_is_reported(outbox: Outbox) -> None:
    outbox.open(1)
    outbox.failed(1, Failure("engine_error", "broken"))
    (message,) = taken(outbox)
    assert isinstance(message, GenerationFailed)
    assert message.failure.message == "broken"


def test_the_first_report_wakes_and_taking_calms(outbox: Outbox) -> None:
    outbox.open(1)
    assert not readable(outbox)
    outbox.delta(1, "x")
    assert readable(outbox)
    outbox.acknowledge()
    outbox.take()
    assert not readable(outbox)
    outbox.delta(1, "y")
    assert readable(outbox)


def test_progress_stays_within_zero_and_one(outbox: Outbox) -> None:
    outbox.progress(-1)
    outbox.progress(7)
    assert taken(outbox) == [LoadProgress(0.0), LoadProgress(1.0)]


class Hours:
    """A clock on which an hour passes between two looks."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 3600.0
        return self.now


@pytest.fixture
def slow() -> Iterator[Outbox]:
    made = Outbox(limit=1000, clock=Hours())
    yield made
    made.close()


def test_of_a_prompt_the_latest_figure_waits(slow: Outbox) -> None:
    slow.open(1)
    for done in (0, 10, 20, 30):
        slow.reading(1, done, 40)
    assert readable(slow)
    assert taken(slow) == [Reading(1, 30, 40)]


def test_a_prompt_that_was_spoken_of_is_read_before_its_first_text(slow: Outbox) -> None:
    slow.open(1)
    slow.reading(1, 0, 40)
    slow.reading(1, 10, 40)
    slow.delta(1, "x")
    slow.done(1, "stop", Usage(), 0.0, 0.0)
    messages = taken(slow)
    assert [type(message) for message in messages] == [Reading, Deltas, GenerationDone]
    assert messages[0] == Reading(1, 40, 40)


def test_nothing_is_said_of_a_prompt_after_its_first_text(slow: Outbox) -> None:
    slow.open(1)
    slow.delta(1, "x")
    slow.take()
    slow.reading(1, 10, 40)
    slow.reading(1, 20, 40)
    assert slow.take() == []


def test_of_a_prompt_that_is_read_at_once_only_its_length_is_told(outbox: Outbox) -> None:
    outbox.open(1)
    outbox.reading(1, 0, 40)
    outbox.reading(1, 20, 40)
    assert not readable(outbox)
    outbox.delta(1, "x")
    messages = taken(outbox)
    assert [type(message) for message in messages] == [Reading, Deltas]
    assert messages[0] == Reading(1, 40, 40)


def test_nothing_is_said_of_a_prompt_that_was_cancelled(slow: Outbox) -> None:
    slow.open(1)
    slow.reading(1, 0, 40)
    slow.reading(1, 10, 40)
    slow.cancel(1)
    slow.reading(1, 20, 40)
    assert slow.take() == []


@pytest.mark.parametrize("ends", ["stop", "length"])
def test_an_answer_that_repeats_itself_gets_no_more_text_and_is_done(ends: FinishReason) -> None:
    outbox = Outbox()
    outbox.open(1, Repeats(ends))
    for _ in range(1000):
        outbox.delta(1, "again and ")
        if keys := outbox.repeating():
            break
    assert keys == [1]
    assert outbox.repeating() == []
    outbox.delta(1, "late")
    outbox.cancelled(1, Usage(3, 0, 60))
    deltas, done = taken(outbox)
    assert isinstance(deltas, Deltas)
    assert isinstance(done, GenerationDone)
    assert (done.finish_reason, done.repeats, done.usage.completion_tokens) == (ends, True, 60)
    assert done.seq == deltas.items[0].n < 100
    assert "late" not in msgspec.msgpack.decode(deltas.items[0].text)


def test_an_answer_that_is_not_watched_may_repeat_itself(outbox: Outbox) -> None:
    outbox.open(1)
    for _ in range(1000):
        outbox.delta(1, "again and ")
        outbox.take()
    assert outbox.repeating() == []


def fill(outbox: Outbox, key: int) -> threading.Thread:
    """A thread that reports more than fits; it is blocked when this returns."""
    outbox.open(key)
    full = threading.Event()

    def run() -> None:
        outbox.delta(key, "x" * 1000)
        full.set()
        outbox.delta(key, "y")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert full.wait(TIMEOUT)
    return thread


def reporter(outbox: Outbox, key: int, text: str, times: int) -> threading.Thread:
    """A thread that will report `text` so many times."""

    def run() -> None:
        for _ in range(times):
            outbox.delta(key, text)

    return threading.Thread(target=run, daemon=True)


def test_a_full_outbox_blocks_until_it_is_taken(outbox: Outbox) -> None:
    thread = fill(outbox, 1)
    assert items(outbox)[0][3].startswith("x" * 1000)
    thread.join(TIMEOUT)
    assert not thread.is_alive()


def test_cancel_frees_an_engine_that_waits_for_room(outbox: Outbox) -> None:
    thread = fill(outbox, 1)
    outbox.cancel(1)
    thread.join(TIMEOUT)
    assert not thread.is_alive()


def test_close_frees_an_engine_that_waits_for_room(outbox: Outbox) -> None:
    thread = fill(outbox, 1)
    outbox.close()
    thread.join(TIMEOUT)
    assert not thread.is_alive()


def test_empty_text_is_bounded_too() -> None:
    outbox = Outbox(limit=100)
    outbox.open(1)
    thread = reporter(outbox, 1, "", 50)
    thread.start()
    tokens = 0
    while tokens < 50:
        assert readable(outbox, TIMEOUT)
        outbox.acknowledge()
        tokens += sum(n for _, _, n, _ in items(outbox))
    thread.join(TIMEOUT)
    assert tokens == 50


def test_a_split_pair_becomes_its_character(outbox: Outbox) -> None:
    outbox.open(1)
    outbox.delta(1, "\ud83d")
    outbox.delta(1, "\ude00")
    assert items(outbox) == [(1, 0, 2, "\U0001f600")]


def test_half_a_pair_is_replaced(outbox: Outbox) -> None:
    outbox.open(1)
    outbox.delta(1, "a\ud83d")
    assert items(outbox) == [(1, 0, 1, "a\ufffd")]


def test_many_threads_lose_nothing(outbox: Outbox) -> None:
    for key in range(8):
        outbox.open(key)
    threads = [reporter(outbox, key, "x", 500) for key in range(8)]
    for thread in threads:
        thread.start()
    counted = dict.fromkeys(range(8), 0)
    while sum(counted.values()) < 4000:
        assert readable(outbox, TIMEOUT)
        outbox.acknowledge()
        for key, seq, n, text in items(outbox):
            assert seq == counted[key]
            assert len(text) == n
            counted[key] += n
    assert set(counted.values()) == {500}
