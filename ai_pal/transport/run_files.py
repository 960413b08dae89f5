"""What lies in a run directory, and what its lock says of who holds it. Apart, for clients need no more."""

from pathlib import Path

import msgspec

FRONT = "front.sock"
WORKERS = "workers.sock"
LOCK = "supervisor.lock"


def front_endpoint(folder: Path) -> str:
    """Where clients connect."""
    return f"ipc://{folder / FRONT}"


def holder(folder: Path) -> int | None:
    """The pid that the holder of the lock wrote down, if it can be read."""
    try:
        return int(msgspec.json.decode((folder / LOCK).read_bytes())["pid"])
    except (OSError, msgspec.DecodeError, KeyError, TypeError, ValueError):
        return None


def may_leave(folder: Path) -> bool:
    """Whether the holder of the lock is one that leaves when it is asked; what does not say may."""
    try:
        return bool(msgspec.json.decode((folder / LOCK).read_bytes())["auto_started"])
    except (OSError, msgspec.DecodeError, KeyError, TypeError):
        return True
