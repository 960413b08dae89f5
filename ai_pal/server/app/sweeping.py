"""A run directory that is swept under a running supervisor (a cleaner of /tmp, a careful user): it listens
there again, or leaves to the one that has taken its place."""

import errno
from collections.abc import Callable
from typing import Protocol

import anyio

from ai_pal.errors import AiPalError
from ai_pal.logs import get_logger
from ai_pal.transport.run_files import FRONT, LOCK

LOOK_SECONDS = 1.0

PATIENCE_SECONDS = 10.0
"""How long a directory without socket and lock is left alone: whoever asks now starts another supervisor."""

MOST_HEALED = 1000
"""Each socket that is made anew keeps a descriptor of the swept one open."""

log = get_logger("ai_pal")


class Swept(Protocol):
    """What is asked of the run directory."""

    def lost(self) -> tuple[str, ...]: ...

    def taken(self) -> bool: ...

    def secure(self) -> None: ...


def wait_for(lost: tuple[str, ...]) -> float:
    """Seconds to leave things as they are: nobody can take the place of one that still has lock or socket."""
    return PATIENCE_SECONDS if {LOCK, FRONT} <= set(lost) else 0.0


async def keep_run_directory(
    directory: Swept, listen_again: Callable[[str], None], leave: Callable[[], None]
) -> None:
    """Look now and then, and mend. What cannot be mended is left: the next chat starts another supervisor."""
    since: float | None = None
    healed = 0
    while True:
        await anyio.sleep(LOOK_SECONDS)
        if not (lost := directory.lost()):
            since = None
            continue
        since = anyio.current_time() if since is None else since
        if anyio.current_time() - since < wait_for(lost) and not directory.taken():
            continue
        if (healed := healed + 1) > MOST_HEALED or not _mended(directory, lost, listen_again):
            leave()
            return
        since = None


def _mended(directory: Swept, lost: tuple[str, ...], listen_again: Callable[[str], None]) -> bool:
    """Whether the supervisor may stay."""
    try:
        directory.secure()
        for name in lost:
            if name != LOCK:
                listen_again(name)
    except AiPalError as error:
        log.warning("run_directory_lost", lost=lost, code=str(error.code), reason=error.failure.message)
        return False
    except OSError as error:
        log.warning("run_directory_lost", lost=lost, reason=str(error))
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE)  # looked at again
    log.warning("run_directory_healed", lost=lost)
    return True
