"""Progress seen from outside: bytes on disk, and how long they have stood still."""

import os
from pathlib import Path


class StallWatch:
    """Tells when a figure has not moved for `limit` seconds."""

    def __init__(self, limit: float, now: float) -> None:
        self._limit = limit
        self._last: tuple[int, float] = (-1, now)

    def is_stalled(self, figure: int, now: float) -> bool:
        """Whether `figure` stood still for the limit. Call it again and again."""
        before, since = self._last
        if figure != before:
            self._last = (figure, now)
            return False
        return now - since >= self._limit


def largest_file(folder: Path) -> int:
    """Bytes of the largest file under `folder`, which others may be changing.

    The largest, not the sum: pip copies the finished file once more.
    """
    sizes = [0]
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                sizes.append(os.lstat(os.path.join(where, name)).st_size)
            except FileNotFoundError:
                continue
    return max(sizes)
