"""A child never outlives its supervisor: the kernel's parent-death signal, or a look at each beat."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def follow(parent: int, by: signal.Signals = signal.SIGKILL) -> None:
    """Arrange to be sent this signal when `parent` dies, and exit now if it is dead already.

    Elsewhere than on Linux nothing can be arranged: the loop asks `orphaned` instead.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, by, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if orphaned(parent):
        os._exit(0)


def orphaned(parent: int) -> bool:
    """Whether `parent` is no longer our parent, because it died and we were handed on."""
    return os.getppid() != parent
