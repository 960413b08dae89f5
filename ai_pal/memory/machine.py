"""Free memory and memory pressure of this machine; see `supervisor.ports.FreeMemory`.

The memory of graphics cards is counted by `devices`.
"""

import contextlib
from pathlib import Path

from ai_pal.memory import cgroup


class MachineMemory:
    """The smallest of what the machine has and what each control group of this process still allows."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._last = 0
        self._meminfo = root / "proc/meminfo"
        proc = root / "proc/self"
        self._groups = cgroup.groups(_text(proc / "cgroup"), _text(proc / "mountinfo"), root)
        stalls = [root / "proc/pressure/memory", *(group.pressure() for group in self._groups)]
        self._stalls = [file for file in stalls if file is not None]

    def free(self) -> int:
        rests = [rest for group in self._groups if (rest := group.rest()) is not None]
        return max(0, min([self._available(), *rests]))

    def total(self) -> int:
        """All that this process could ever have."""
        import psutil

        limits = []
        for group in self._groups:
            with contextlib.suppress(OSError, ValueError):
                limits += [limit] if (limit := group.limit()) is not None else []
        return min([int(psutil.virtual_memory().total), *limits])

    def pressure(self) -> float:
        return max((stalled(_text(file)) for file in self._stalls), default=0.0)

    def _available(self) -> int:
        for line in _text(self._meminfo).splitlines():
            if line.startswith("MemAvailable:"):
                self._last = int(line.split()[1]) * 1024
                return self._last
        import psutil  # late: Linux needs it not, and the command line should start fast

        with contextlib.suppress(OSError):  # no descriptor is left to look with: it is as it was
            self._last = int(psutil.virtual_memory().available)
        return self._last


def stalled(text: str) -> float:
    """The percentage of the last ten seconds in which some process waited, by a pressure file's text."""
    for line in text.splitlines():
        if line.startswith("some "):
            for field in line.split():
                if field.startswith("avg10="):
                    return float(field[6:])
    return 0.0


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
