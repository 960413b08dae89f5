"""Who is at the other end of an ipc connection, as the kernel tells it (SO_PEERCRED)."""

from functools import lru_cache

import msgspec
import zmq


class Peer(msgspec.Struct, frozen=True):
    """The process that made the connection. `pid` 0 means that the kernel did not tell."""

    uid: int
    pid: int


def peer_of(frame: zmq.Frame) -> Peer | None:
    """The sender of a received frame, or None where the transport does not know it.

    libzmq gives "Peer-Address" as "[address]:uid:gid:pid" for ipc connections."""
    try:
        address = frame.get("Peer-Address")
    except zmq.ZMQError:
        return None
    return _parsed(str(address))


@lru_cache(maxsize=256)
def _parsed(address: str) -> Peer | None:
    parts = address.rsplit(":", 3)
    if len(parts) != 4 or not all(part.isdigit() for part in parts[1:]):
        return None
    return Peer(uid=int(parts[1]), pid=int(parts[3]))
