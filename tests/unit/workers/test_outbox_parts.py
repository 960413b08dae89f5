"""Parts and probabilities in the queue between an engine's threads and the worker's loop."""

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.protocol.content import Alternative, TokenLogprob
from ai_pal.protocol.usage import Usage
from ai_pal.protocol.worker import (
    Counted,
    DeltaItem,
    Deltas,
    Embedded,
    GenerationDone,
    Probabilities,
    Reranked,
    decode_from_worker,
)
from workers.engines.base import ANSWER, OpenPart
from workers.outbox import Outbox
from workers.repeats import Repeats

THOUGHT, SAID = OpenPart("reasoning"), OpenPart("text", 1)
FIRST, SECOND = OpenPart("tool_call", 2, "a", "clock"), OpenPart("tool_call", 3, "b", "dice")


@pytest.fixture
def outbox() -> Iterator[Outbox]:
    made = Outbox()
    made.open(1)
    yield made
    made.close()


def items(outbox: Outbox) -> list[tuple[str, int, int, int, str]]:
    """(kind, index, seq, n, text) of every delta that waits."""
    return [
        (item.kind, item.index, item.seq, item.n, text(item))
        for message in map(decode_from_worker, outbox.take())
        if isinstance(message, Deltas)
        for item in message.items
    ]


def text(item: DeltaItem) -> str:
    return str(msgspec.msgpack.decode(item.text))


def token(data: str) -> TokenLogprob:
    return TokenLogprob(data.encode(), -0.5, 7, [Alternative(b"x", -1.0, 8)])


def test_pieces_of_one_part_are_one_item_and_parts_keep_their_order(outbox: Outbox) -> None:
    for part, piece in ((THOUGHT, "a"), (THOUGHT, "b"), (SAID, "c"), (SAID, "d")):
        outbox.delta(1, piece, part=part)
    assert items(outbox) == [("reasoning", 0, 0, 2, "ab"), ("text", 1, 2, 2, "cd")]


def test_parts_that_grow_by_turns_stay_in_turns(outbox: Outbox) -> None:
    for part, piece in ((FIRST, ""), (FIRST, "{"), (SECOND, "{"), (FIRST, "}"), (SECOND, "}")):
        outbox.delta(1, piece, part=part)
    assert items(outbox) == [
        ("tool_call", 2, 0, 2, "{"),
        ("tool_call", 3, 2, 1, "{"),
        ("tool_call", 2, 3, 1, "}"),
        ("tool_call", 3, 4, 1, "}"),
    ]


def test_a_call_is_told_of_before_its_arguments(outbox: Outbox) -> None:
    outbox.delta(1, "", part=FIRST)
    (message,) = map(decode_from_worker, outbox.take())
    assert isinstance(message, Deltas)
    assert (message.items[0].call, message.items[0].name, text(message.items[0])) == ("a", "clock", "")


def test_text_that_is_no_token_of_its_own_moves_no_number(outbox: Outbox) -> None:
    outbox.delta(1, "Sure: ", 0)
    outbox.take()
    outbox.delta(1, "yes")
    assert items(outbox) == [("text", 0, 0, 1, "yes")]


def test_half_a_pair_within_a_part_is_replaced(outbox: Outbox) -> None:
    outbox.delta(1, "a\ud83d", part=THOUGHT)
    outbox.delta(1, "b", part=SAID)
    assert items(outbox) == [("reasoning", 0, 0, 1, "a\ufffd"), ("text", 1, 1, 1, "b")]


def test_a_pair_that_is_split_over_two_parts_is_none(outbox: Outbox) -> None:
    outbox.delta(1, "\ud83d", part=THOUGHT)
    outbox.delta(1, "\ude00", part=SAID)
    assert [text for *_, text in items(outbox)] == ["\ufffd", "\ufffd"]


def test_probabilities_leave_behind_their_tokens_and_before_the_end(outbox: Outbox) -> None:
    outbox.delta(1, "a", part=THOUGHT)
    outbox.logprobs(1, [token("a")])
    outbox.delta(1, "bc", 2, part=SAID)
    outbox.logprobs(1, [token("b"), token("c")])
    outbox.done(1, "stop", Usage(), 0.0, 0.0)
    deltas, probabilities, done = map(decode_from_worker, outbox.take())
    assert isinstance(deltas, Deltas)
    assert isinstance(done, GenerationDone)
    assert probabilities == Probabilities(1, 0, [token("a"), token("b"), token("c")])


def test_probabilities_that_come_after_their_text_has_left_are_not_lost(outbox: Outbox) -> None:
    outbox.delta(1, "a")
    outbox.take()
    outbox.logprobs(1, [token("a")])
    outbox.done(1, "stop", Usage(), 0.0, 0.0)
    probabilities, _ = map(decode_from_worker, outbox.take())
    assert probabilities == Probabilities(1, 0, [token("a")])


def test_probabilities_of_some_tokens_name_theirs(outbox: Outbox) -> None:
    outbox.delta(1, "a")
    outbox.logprobs(1, [token("a")])
    outbox.delta(1, "{}", 3, part=FIRST)
    outbox.delta(1, "b")
    outbox.logprobs(1, [token("b")])
    _, first, second = map(decode_from_worker, outbox.take())
    assert first == Probabilities(1, 0, [token("a")])
    assert second == Probabilities(1, 4, [token("b")])


def test_nothing_is_said_of_tokens_that_were_cancelled(outbox: Outbox) -> None:
    outbox.cancel(1)
    outbox.logprobs(1, [token("a")])
    assert outbox.take() == []


def test_only_text_is_watched_for_repetition() -> None:
    outbox = Outbox()
    outbox.open(1, Repeats())
    for part in (THOUGHT, FIRST):
        for _ in range(300):
            outbox.delta(1, "again and ", part=part)
            outbox.take()
    assert outbox.repeating() == []
    for _ in range(300):
        outbox.delta(1, "again and ", part=SAID)
        outbox.take()
    assert outbox.repeating() == [1]


def test_jobs_without_text_end_once_too(outbox: Outbox) -> None:
    outbox.open(2)
    outbox.open(3, takes_slot=False)
    assert (outbox.active, outbox.beside) == (2, 1)
    outbox.embedded(1, b"\0\0\0\0", 1, Usage(3))
    outbox.reranked(2, [0.5], Usage(4))
    outbox.counted(3, 12)
    outbox.counted(3, 13)
    ends = list(map(decode_from_worker, outbox.take()))
    assert ends == [Embedded(1, b"\0\0\0\0", 1, Usage(3)), Reranked(2, [0.5], Usage(4)), Counted(3, 12)]
    assert (outbox.active, outbox.beside) == (0, 0)


PIECES = st.tuples(
    st.sampled_from([ANSWER, THOUGHT, SAID, FIRST, SECOND]), st.text(max_size=4), st.integers(0, 3)
)


@given(st.lists(st.tuples(PIECES, st.booleans(), st.booleans()), max_size=40))
def test_however_it_is_taken_every_part_is_whole_and_numbers_have_no_gap(
    reported: list[tuple[tuple[OpenPart, str, int], bool, bool]],
) -> None:
    outbox = Outbox()
    outbox.open(1)
    frames: list[bytes] = []
    expected: dict[int, str] = {}
    told: dict[int, bytes] = {}
    position = 0
    for (part, piece, n), probable, take in reported:
        outbox.delta(1, piece, n, part)
        if probable:
            outbox.logprobs(1, [token(f"{position + at}") for at in range(n)])
            told |= {position + at: f"{position + at}".encode() for at in range(n)}
        position += n
        expected[part.place] = expected.get(part.place, "") + piece
        if take:
            frames += outbox.take()
    frames += outbox.take()
    outbox.close()
    came: dict[int, str] = {}
    probabilities: dict[int, bytes] = {}
    following = 0
    for message in map(decode_from_worker, frames):
        if isinstance(message, Probabilities):
            assert message.seq + len(message.tokens) <= following
            probabilities |= {message.seq + at: one.data for at, one in enumerate(message.tokens)}
            continue
        assert isinstance(message, Deltas)
        for item in message.items:
            assert item.seq == following
            following += item.n
            came[item.index] = came.get(item.index, "") + text(item)
    assert came == expected
    assert following == position
    assert probabilities == told
