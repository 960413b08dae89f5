"""How many threads an engine gets. What they do while they wait is in `spin_throttle`."""

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def default_count() -> int:
    """Threads for an engine on this machine."""
    return count_for(usable_cores())


def count_for(cores: int) -> int:
    """All of two cores, for half the speed is a high price for a free core; else one is left free."""
    return cores if cores <= 2 else cores - 1


def usable_cores(root: Path = CGROUP, membership: Path = MEMBERSHIP) -> int:
    """Cores this process may really use: affinity and the cgroup's CPU quota counted in."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota(root, membership)
    return available if quota is None else max(1, min(available, math.ceil(quota)))


def cpu_quota(root: Path = CGROUP, membership: Path = MEMBERSHIP) -> float | None:
    """The smallest CPU quota in cores from this process's cgroup up to the root, version 1 or 2."""
    quotas = [quota for folder in _folders(root, membership) if (quota := _read_quota(folder)) is not None]
    return min(quotas, default=None)


def _folders(root: Path, membership: Path) -> list[Path]:
    """The folders of this process's CPU cgroup and its parents."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return []
    folders = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            top = root
        elif "cpu" in controllers.split(","):
            top = root / controllers
        else:
            continue
        inner = top / path.lstrip("/")
        folders += [inner, *(parent for parent in inner.parents if parent.is_relative_to(top))]
    return folders


def _read_quota(folder: Path) -> float | None:
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        return int(quota) / int(period) if int(quota) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None  # no such file, or "max"
