"""Guesses how an answer goes on: as it went on where its last tokens stood before. Pure."""

from collections.abc import Sequence

MATCH = 5
"""Tokens that must have come before in the same order."""
FIRST, MOST = 4, 16
"""Tokens that are guessed at a time: to begin with, and at most, since that doubles while all are right."""
FIXED, EACH = 0.6, 0.1
"""What guesses add to a step, as part of it: by themselves, and for each token. Measured on a CPU, where the
first one beside another is the dearest."""
PURSE, EARNED, LARGEST_PURSE = 1.0, 0.015, 4.0
"""Steps that wrong guesses may cost: at the beginning, more with each step, and at most."""


class Lookup:
    """One answer: the prompt and what is said so far. Wrong guesses are paid out of a purse that right ones
    fill, so that an answer that repeats nothing is about as fast as without."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens: list[int] = []
        self._places: dict[tuple[int, ...], int] = {}
        """Where the latest of each run of `MATCH` tokens ended."""
        self._length, self._purse = FIRST, PURSE
        self._found: int | None = None
        for token in tokens:
            self.push(token)

    def push(self, token: int) -> None:
        """`token` comes next."""
        self._tokens.append(token)
        end = len(self._tokens)
        run = tuple(self._tokens[end - MATCH :]) if end >= MATCH else ()
        self._found = self._places.get(run)
        if run:
            self._places[run] = end

    def guess(self, room: int) -> list[int]:
        """What comes next, if it goes on as before: at most `room` tokens."""
        if self._found is None:
            return []
        count = min(self._length, room)
        if count <= 0 or price(count) > self._purse:
            return []
        return self._tokens[self._found : self._found + count]

    def learn(self, guessed: int, right: int) -> None:
        """So many guesses of the last step were right; the step itself wrote one token more."""
        self._purse = min(self._purse + EARNED + right - price(guessed), LARGEST_PURSE)
        if guessed:
            self._length = min(2 * self._length, MOST) if right == guessed else FIRST


def price(guessed: int) -> float:
    """What so many guesses add to a step, as part of it."""
    return FIXED + EACH * guessed if guessed else 0.0
