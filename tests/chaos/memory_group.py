"""A control group with a memory limit for the length of a test, of version 1 or 2, whichever is here."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ai_pal.memory.cgroup import Group, groups


class MemoryGroup:
    """`folder` is the group's; processes that start while `entered` belong to it."""

    def __init__(self, parent: Group, limit: int) -> None:
        self._parent = parent
        self.folder = parent.folder / f"ai-pal-test-{os.getpid()}"
        if parent.version == 2:
            (parent.folder / "cgroup.subtree_control").write_text("+memory")
        self.folder.mkdir()
        name = "memory.max" if parent.version == 2 else "memory.limit_in_bytes"
        (self.folder / name).write_text(str(limit))

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """This process is in the group, and so is what it starts meanwhile."""
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))
        try:
            yield
        finally:
            (self._parent.folder / "cgroup.procs").write_text(str(os.getpid()))

    def killed(self) -> int:
        """How many processes the kernel has killed for want of memory."""
        name = "memory.events" if self._parent.version == 2 else "memory.oom_control"
        lines = dict(line.split() for line in (self.folder / name).read_text().splitlines())
        return int(lines["oom_kill"])

    def close(self) -> None:
        self.folder.rmdir()


@contextlib.contextmanager
def memory_group(limit: int) -> Iterator[MemoryGroup]:
    """Raises OSError, and says why, where this process may not make a group."""
    found = groups(Path("/proc/self/cgroup").read_text(), Path("/proc/self/mountinfo").read_text())
    usable = [group for group in found if any(group.folder.glob("memory.*usage*")) or _is_v2(group)]
    if not usable:
        raise OSError("no memory controller is mounted here")
    group = MemoryGroup(usable[0], limit)
    try:
        yield group
    finally:
        group.close()


def _is_v2(group: Group) -> bool:
    return group.version == 2 and "memory" in (group.folder / "cgroup.controllers").read_text().split()
