"""When days and months begin, as people count them: in local time."""

import time


def day_start(now: float) -> float:
    """Seconds since 1970 at the last midnight."""
    local = time.localtime(now)
    return time.mktime((local.tm_year, local.tm_mon, local.tm_mday, 0, 0, 0, 0, 0, -1))


def month_start(now: float) -> float:
    """Seconds since 1970 at the midnight that began this month."""
    local = time.localtime(now)
    return time.mktime((local.tm_year, local.tm_mon, 1, 0, 0, 0, 0, 0, -1))
