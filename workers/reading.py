"""How far one prompt is read, and when that is worth a word. Pure: `now` is in seconds."""

PATIENCE = 1.0
"""A prompt that is read sooner is nothing to talk about before its end."""
INTERVAL = 0.25
"""Between two words about the same prompt."""


class PromptReading:
    """One prompt. `done` of `total` tokens are read: it never falls, and never passes `total`."""

    __slots__ = ("_since", "_told_at", "_told_done", "done", "total")

    def __init__(self, now: float) -> None:
        self.done = self.total = self._told_done = 0
        self._since, self._told_at = now, 0.0

    def learn(self, done: int, total: int, now: float) -> bool:
        """Note how far it is; True when that is to be told now."""
        self.total = total
        self.done = min(max(done, self.done), total)
        if now - self._since < PATIENCE or (self._told_at and now - self._told_at < INTERVAL):
            return False
        return self._tell(now)

    def finish(self, now: float) -> bool:
        """It is read; True when that is yet to be told: how long it is belongs to each answer."""
        self.done = self.total
        return self._tell(now)

    def said(self) -> tuple[int, int]:
        """`done` and `total` as they go out now: further on than when they were found worth a word."""
        self._told_done = self.done
        return self.done, self.total

    def _tell(self, now: float) -> bool:
        if self._told_at and self.done == self._told_done:
            return False
        self._told_at, self._told_done = now, self.done
        return True
