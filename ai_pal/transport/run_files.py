"""What lies in a run directory, and what its lock says of who holds it. Apart, for clients need no more."""

from pathlib import Path

import msgspec

FRONT = "front.sock"
WORKERS = "workers.sock"
LOCK = "supervisor.lock"


def front_endpoint(folder: Path) -> str:
    """Where clients connect."""
    return f"ipc://{folder / FRONT}"


def via(endpoint: str) -> str:
    """How this supervisor signs what it asks over plain HTTP (`Via`, RFC 9110, 7.6.3), from the address of
    one of its sockets: a gateway of its own that gets it knows that it would ask itself."""
    import hashlib  # only who asks over HTTP needs it

    folder = endpoint.removeprefix("ipc://").rpartition("/")[0]
    return f"1.1 ai-pal-{hashlib.sha256(folder.encode()).hexdigest()[:16]}"


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
