"""Pieces of an answer that wait for a verdict before anybody sees them: few, and not for long. Pure."""

from collections.abc import Callable
from typing import Generic, TypeVar

P = TypeVar("P")

MOST_TOKENS, MOST_SECONDS = 16, 0.4
"""Whichever comes first ends the wait."""

SLOWEST = MOST_TOKENS / MOST_SECONDS
"""Tokens a second: of a slower model nothing is held, its doubt would come too late."""

PATIENCE = 5.0
"""Seconds that a doubted answer is kept for somebody else who has been asked and has not begun."""

NEVER = float("inf")


class Hold(Generic[P]):
    """Takes pieces until it is `let_go`, after which it takes none. `keep` holds on to what is there, and to
    what comes, for as long as somebody else may answer instead. Times are those of one clock, in seconds."""

    __slots__ = ("_keeps", "_pieces", "_tokens", "ends_at", "over")

    def __init__(self, *, holds: bool) -> None:
        self._pieces: list[P] = []
        self._tokens, self._keeps = 0, False
        self.ends_at: float | None = None
        """When it has lasted long enough; None before its first piece."""
        self.over = not holds

    def __len__(self) -> int:
        return len(self._pieces)

    def take(self, piece: P, tokens: int, now: float) -> bool:
        """Hold a piece back. False: the hold is over, and the piece is to be passed on."""
        if self.over:
            return False
        if self.ends_at is None:
            self.ends_at = now + MOST_SECONDS
        self._pieces.append(piece)
        self._tokens += tokens
        return True

    def is_due(self, now: float) -> bool:
        """Whether it has lasted long enough, by its tokens or its time."""
        if self.over or self.ends_at is None:
            return False
        return now >= self.ends_at or (self._tokens >= MOST_TOKENS and not self._keeps)

    def keep(self, until: float) -> None:
        """Somebody else was asked or has begun: from now on all is kept, until then."""
        self.over, self._keeps, self.ends_at = False, True, until

    def let_go(self, forward: Callable[[P], None]) -> None:
        """Pass on what was held, in order and once, and hold nothing more."""
        pieces, self._pieces, self.over = self._pieces, [], True
        for piece in pieces:
            forward(piece)

    def drop(self) -> None:
        """Nobody will see it: another has answered."""
        self._pieces, self.over = [], True
