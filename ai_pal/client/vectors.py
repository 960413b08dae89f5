"""What texts become: vectors, scores, and counts."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from ai_pal.protocol import client as wire
from ai_pal.protocol.usage import Usage


class Embeddings:
    """One vector of length 1 per text, in their order. `data` holds them one after the other: 32-bit floats,
    little-endian, `dimensions` of them each. numpy takes it as it is: `numpy.asarray(embeddings)`."""

    def __init__(self, replies: Sequence[wire.Embedded]) -> None:
        self.data = b"".join(reply.vectors for reply in replies)
        self.dimensions = replies[0].dimensions if replies else 0
        self.model = replies[0].model if replies else ""
        self.usage = summed([reply.usage for reply in replies])

    def __len__(self) -> int:
        return len(self.data) // (4 * self.dimensions) if self.dimensions else 0

    def __getitem__(self, index: int) -> list[float]:
        at = range(len(self))[index] * 4 * self.dimensions
        return _floats(self.data[at : at + 4 * self.dimensions])

    def __iter__(self) -> Iterator[list[float]]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"Embeddings({len(self)} vectors of {self.dimensions} dimensions, model={self.model!r})"

    @property
    def vectors(self) -> list[list[float]]:
        """All of them as lists."""
        return list(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        import numpy as np

        found = np.frombuffer(self.data, "<f4").reshape(len(self), self.dimensions)
        return np.array(found, dtype, copy=copy)


class Ranking:
    """How well each text answers the query: `scores` in the order of the texts, the higher the better."""

    def __init__(self, replies: Sequence[wire.Reranked]) -> None:
        self.scores = [score for reply in replies for score in reply.scores]
        self.model = replies[0].model if replies else ""
        self.usage = summed([reply.usage for reply in replies])

    @property
    def best(self) -> list[int]:
        """The places of the texts, the best first."""
        return sorted(range(len(self.scores)), key=lambda place: -self.scores[place])

    def __repr__(self) -> str:
        return f"Ranking(scores={self.scores!r}, model={self.model!r})"


class TokenCount(int):
    """So many tokens: a number that knows by whose tokenizer (`model`)."""

    model: str

    def __new__(cls, tokens: int, model: str = "") -> "TokenCount":
        found = super().__new__(cls, tokens)
        found.model = model
        return found


def summed(all_usage: Sequence[Usage]) -> Usage:
    """What several requests took together."""
    return Usage(
        sum(usage.prompt_tokens for usage in all_usage),
        sum(usage.cached_tokens for usage in all_usage),
        sum(usage.completion_tokens for usage in all_usage),
    )


def _floats(data: bytes) -> list[float]:
    import array  # here: a chat needs none

    found = array.array("f")
    found.frombytes(data)
    if sys.byteorder == "big":
        found.byteswap()
    return found.tolist()
