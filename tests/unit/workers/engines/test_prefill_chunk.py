"""How many tokens of a prompt llama.cpp computes at once."""

import pytest

from workers.engines.llamacpp.loading import (
    LARGEST_CHUNK,
    LARGEST_CHUNK_PER_THREAD,
    SMALLEST_CHUNK,
    STEP,
    prefill_chunk,
)

GB = 10**9


@pytest.mark.parametrize("reads", [60.0, 300.0, 900.0, 2500.0])
def test_as_many_as_others_may_wait_for_where_the_speed_is_known(reads: float) -> None:
    chunk = prefill_chunk(GB, 2, reads)
    assert STEP / 2 < chunk / reads <= STEP


def test_a_busy_machine_does_not_make_it_slow_for_long() -> None:
    assert prefill_chunk(GB // 10, 2, 28.0) >= 64


def test_it_has_bounds() -> None:
    assert prefill_chunk(GB, 2, 1e9) == LARGEST_CHUNK
    assert prefill_chunk(GB, 2, 1.0) == prefill_chunk(100 * GB, 1) == SMALLEST_CHUNK
    assert prefill_chunk(1, 2) == 2 * LARGEST_CHUNK_PER_THREAD, "until it was seen how fast it reads"
