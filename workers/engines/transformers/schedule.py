"""What one step of the engine computes: a token for each answer, and a chunk of a waiting prompt. Pure."""

from collections.abc import Sequence

import msgspec

ALONE_SECONDS = 0.5
"""A chunk of a prompt takes about this long: the longest that a cancellation waits."""
BESIDE_SECONDS = 0.2
"""The same while answers are being written, which wait for it."""
SMALLEST, LARGEST = 8, 2048
LARGEST_ON_CPU = 512
"""What the layers compute between them takes memory per token, and a CPU gains nothing from more."""
GROWTH = 4
BYTES_PER_SECOND_AND_THREAD = 80e9
"""Weights that a thread works through in a second of prefill, tokens times bytes; where the pace begins."""
THREADS_OF_A_GPU = 500
"""A GPU begins like so many threads."""


class Waiting(msgspec.Struct, frozen=True):
    """One row of the batch: `left` prompt tokens are not computed yet; 0 writes its answer."""

    left: int


def plan(rows: Sequence[Waiting], chunk: int) -> list[int]:
    """How many tokens each row computes in this step: first come, first served for prompts.

    Every answer gets its token. The prompts share `chunk`; one that is nearly done does not leave
    the rest unused.
    """
    counts = []
    for row in rows:
        take = min(row.left, chunk)
        chunk -= take
        counts.append(take if row.left else 1)
    return counts


class Pace:
    """How many prompt tokens fit the time of one chunk, learned from the steps themselves."""

    def __init__(self, model_bytes: int, threads: int, fixed: int = 0, largest: int = LARGEST) -> None:
        self._fixed, self._largest = fixed, largest
        self._rate = BYTES_PER_SECOND_AND_THREAD * threads / max(model_bytes, 1)

    def chunk(self, answers: int) -> int:
        """Prompt tokens for the next step, beside so many answers."""
        if self._fixed:
            return self._fixed
        tokens = int(self._rate * (BESIDE_SECONDS if answers else ALONE_SECONDS))
        return min(max(tokens, SMALLEST), self._largest)

    def learn(self, tokens: int, seconds: float) -> None:
        """Note a step with so many prompt tokens. Short ones say little: fixed costs weigh most."""
        if tokens < SMALLEST or seconds <= 0:
            return
        measured = tokens / seconds
        if measured < self._rate:
            self._rate = measured
        elif tokens >= self._rate * BESIDE_SECONDS / 2:
            self._rate = min(measured, self._rate * GROWTH)
