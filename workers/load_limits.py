"""What a load may take at most: model files come from strangers, and their chat templates are programs.

The kernel keeps these limits, for an engine may hold the GIL all the while. Generous: no honest model comes
near them, and an endless template meets them soon."""

import contextlib
import resource
import time
from collections.abc import Iterator
from pathlib import Path

CPU_SECONDS, BYTES_PER_CPU_SECOND = 30, 10_000_000
"""Computing that any load may take, and what a large file adds; SIGXCPU ends the process."""
MEMORY, MEMORY_PER_BYTE = 3 << 30, 3
"""Bytes on top of what is there already; what is beyond cannot be allocated."""


@contextlib.contextmanager
def limits(size: int, cache: int) -> Iterator[None]:
    """Within, a load of a file of `size` bytes with a `cache` of so many. They stay when it fails, so that
    threads which are left behind end too."""
    cpu = int(time.process_time()) + CPU_SECONDS + size // BYTES_PER_CPU_SECOND
    before = [_lower(resource.RLIMIT_CPU, cpu)]
    before.append(_lower(resource.RLIMIT_DATA, _data() + MEMORY + size * MEMORY_PER_BYTE + cache))
    yield
    for what, limit in zip((resource.RLIMIT_CPU, resource.RLIMIT_DATA), before, strict=True):
        resource.setrlimit(what, limit)


def _lower(what: int, limit: int) -> tuple[int, int]:
    """Lower the soft limit; the one before."""
    soft, hard = resource.getrlimit(what)
    if soft == resource.RLIM_INFINITY or limit < soft:
        resource.setrlimit(what, (limit, hard))
    return soft, hard


def _data() -> int:
    """Bytes of private memory that this process has mapped, as the limit counts them; 0 where not told."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return int(next(line for line in lines if line.startswith("VmData")).split()[1]) * 1024
    return 0
