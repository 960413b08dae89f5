"""When days and months begin and end, as people count them: in local time."""

import time
from typing import NamedTuple


class Span(NamedTuple):
    """From `start` up to `end`, in seconds since 1970."""

    start: float
    end: float

    def __contains__(self, moment: object) -> bool:
        return isinstance(moment, float | int) and self.start <= moment < self.end


def day_of(now: float) -> Span:
    """From the last midnight to the next one."""
    local = time.localtime(now)
    return Span(*(_midnight(local.tm_year, local.tm_mon, local.tm_mday + more) for more in (0, 1)))


def month_of(now: float) -> Span:
    """From the midnight that began this month to the one that begins the next."""
    local = time.localtime(now)
    return Span(*(_midnight(local.tm_year, local.tm_mon + more, 1) for more in (0, 1)))


def _midnight(year: int, month: int, day: int) -> float:
    """Days and months beyond the last go on into the next."""
    return time.mktime((year, month, day, 0, 0, 0, 0, 0, -1))
