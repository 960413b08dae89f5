"""What one step of the engine computes: a token for each answer, and a chunk of a waiting prompt. Pure."""

from collections.abc import Sequence

import msgspec

ALONE_SECONDS = 0.5
"""A chunk of a prompt takes about this long: the longest that a cancellation waits."""
BESIDE_SECONDS = 0.12
"""A whole step with a chunk in it while answers are being written: with what comes on top, their readers see
a stop of 0.2 s at most."""
LEAST_OF_STEP = 0.25
"""What of that is left to the chunk however long the answers' own part takes."""
SMALLEST, LARGEST = 8, 2048
SMALLEST_WIDENED = 64
"""Of a prompt that is alone, where weights are widened in passing: that takes as long for one token as for
many, and an answer that begins three times sooner is worth a later cancellation."""
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

    def __init__(
        self,
        model_bytes: int,
        threads: int,
        fixed: int = 0,
        largest: int = LARGEST,
        smallest_alone: int = SMALLEST,
    ) -> None:
        self._fixed, self._largest, self._smallest_alone = fixed, largest, smallest_alone
        self._rate = BYTES_PER_SECOND_AND_THREAD * threads / max(model_bytes, 1)
        self._answers = 0.0
        """Seconds that the answers take of a step."""

    def chunk(self, answers: int) -> int:
        """Prompt tokens for the next step, beside so many answers."""
        if self._fixed:
            return self._fixed
        seconds, smallest = ALONE_SECONDS, self._smallest_alone
        if answers:
            seconds = max(BESIDE_SECONDS - self._answers, BESIDE_SECONDS * LEAST_OF_STEP)
            smallest = SMALLEST
        return min(max(int(self._rate * seconds), smallest), self._largest)

    def learn(self, tokens: int, seconds: float, answers: int = 0) -> None:
        """Note a step with so many prompt tokens beside so many answers. Few tokens say little: fixed costs
        weigh most."""
        if answers and not tokens:
            self._answers = seconds
        if tokens < SMALLEST or seconds <= 0:
            return
        if answers:
            seconds = max(seconds - self._answers, seconds * LEAST_OF_STEP)
        measured = tokens / seconds
        if measured < self._rate:
            self._rate = measured
        elif tokens >= self._rate * BESIDE_SECONDS * LEAST_OF_STEP:
            self._rate = min(measured, self._rate * GROWTH)


def pace_of(model_bytes: int, threads: int, chunk: int, device: str, *, widened: bool = False) -> Pace:
    """That of a model on this device, whose weights may be `widened` in passing."""
    if device == "cpu":
        smallest = SMALLEST_WIDENED if widened else SMALLEST
        return Pace(model_bytes, threads, chunk, LARGEST_ON_CPU, smallest)
    return Pace(model_bytes, THREADS_OF_A_GPU, chunk)
