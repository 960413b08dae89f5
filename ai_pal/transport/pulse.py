"""A child's pulse: a byte now and then through a pipe while its loop goes round, for its parent to feel."""

import contextlib
import os

EVERY = 0.5
"""Seconds between two beats of a child."""

UNBORN = 60.0
"""Seconds before the first."""

MOST = 4096


class Pulse:
    """The parent's side, of one child that is told the number of `child`."""

    def __init__(self) -> None:
        self._read, self.child = os.pipe()
        os.set_blocking(self._read, False)

    def given(self) -> None:
        """The child has its end."""
        os.close(self.child)

    def felt(self) -> bool:
        """Whether it has beaten since the last look."""
        with contextlib.suppress(BlockingIOError):
            return bool(os.read(self._read, MOST))
        return False

    def close(self) -> None:
        """Feel it no more."""
        os.close(self._read)


class Watch:
    """When a child hangs: after so many seconds that were `silent`. It is looked at `every` so many. Pure."""

    def __init__(self, now: float, silent: float) -> None:
        self._at, self._born, self._silent = now, False, silent

    @property
    def every(self) -> float:
        return self._silent / 5

    def hangs(self, now: float, *, felt: bool) -> bool:
        """Whether it does, by this look."""
        if felt:
            self._at, self._born = now, True
        return now - self._at >= (self._silent if self._born else UNBORN)


def beat(child: int) -> None:
    """The child's side: beat once. Nobody needs to feel it."""
    with contextlib.suppress(BlockingIOError, BrokenPipeError):
        os.write(child, b".")
