"""What is kept of finished conversations."""

from collections.abc import Sequence
from typing import Self

from hypothesis import given
from hypothesis import strategies as st

from workers.engines.transformers.decoding.prefix import PrefixCache, common

PLENTY = 10_000
ALPHABET = st.lists(st.integers(0, 2), max_size=40)


class Row:
    """One byte per token."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self.tokens = list(tokens)

    @property
    def nbytes(self) -> int:
        return len(self.tokens)

    def cut(self, length: int) -> bool:
        del self.tokens[length:]
        return True

    def fit(self, room: int) -> None:
        pass

    def copy(self, length: int) -> Self:
        return type(self)(self.tokens[:length])


def kept(*rows: Sequence[int]) -> PrefixCache[Row]:
    cache: PrefixCache[Row] = PrefixCache()
    for row in rows:
        cache.keep(Row(row))
    return cache


def test_the_next_turn_takes_its_conversation_over() -> None:
    cache = kept(range(100))
    row = cache.take([*range(100), 7, 8], PLENTY)
    assert row is not None
    assert row.tokens == list(range(100))
    assert cache.nbytes == 0


def test_a_changed_end_is_forgotten() -> None:
    row = kept(range(100)).take([*range(80), 7, 8], PLENTY)
    assert row is not None
    assert row.tokens == list(range(80))


def test_another_conversation_with_the_same_beginning_gets_a_copy() -> None:
    cache = kept(range(100))
    row = cache.take([*range(20), 7, 8], PLENTY)
    assert row is not None
    assert row.tokens == list(range(20))
    assert cache.nbytes == 100


def test_one_token_is_always_left_to_compute() -> None:
    row = kept(range(100)).take(list(range(100)), PLENTY)
    assert row is not None
    assert row.tokens == list(range(99))


def test_a_row_in_use_is_copied_from() -> None:
    busy = Row(range(50))
    row = kept().take([*range(50), 7], PLENTY, [busy])
    assert row is not None
    assert row is not busy
    assert busy.tokens == list(range(50))


def test_too_little_in_common_is_not_reused() -> None:
    assert kept(range(100)).take([0, 1, 2, 50, 51], PLENTY) is None


def test_an_earlier_turn_of_the_same_conversation_is_replaced() -> None:
    assert kept(range(50), range(100)).nbytes == 100


def test_the_least_recently_used_goes_first() -> None:
    cache = kept(range(100), range(1000, 1100))
    cache.take([*range(20), 7], PLENTY)
    cache.shrink(150)
    assert cache.take([*range(100), 7], PLENTY) is not None


def test_room_for_a_copy_comes_from_the_least_recently_used() -> None:
    cache = kept(range(100), range(1000, 1100))
    row = cache.take([*range(20), 7], limit=100)
    assert row is not None
    assert row.tokens == list(range(20))
    assert cache.nbytes == 100
    assert cache.take([*range(1000, 1100), 7], PLENTY) is None


def test_a_row_that_there_is_no_room_to_copy_is_taken_over() -> None:
    cache = kept(range(100))
    row = cache.take([*range(20), 7], limit=99)
    assert row is not None
    assert row.tokens == list(range(20))
    assert cache.nbytes == 0


@given(one=ALPHABET, other=ALPHABET)
def test_common_is_the_longest_common_beginning(one: list[int], other: list[int]) -> None:
    length = common(one, other)
    assert one[:length] == other[:length]
    assert one[length : length + 1] != other[length : length + 1] or length == min(len(one), len(other))


@given(rows=st.lists(ALPHABET, max_size=5), tokens=ALPHABET, limit=st.integers(-50, 250))
def test_what_is_taken_is_a_proper_beginning(rows: list[list[int]], tokens: list[int], limit: int) -> None:
    cache = kept(*rows)
    row = cache.take(tokens, limit)
    assert cache.nbytes <= max(limit, 0)
    assert row is None or (row.tokens == tokens[: len(row.tokens)] and len(row.tokens) < len(tokens))
