"""What the client endpoint knows of each client: who it is, and which of its requests are open."""

from collections.abc import Iterable

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.server.endpoints.outgoing import Outbox
from ai_pal.server.services.activity import Standing
from ai_pal.server.services.base import Service
from ai_pal.transport.sockets import Blob

CLIENT_HOLDS, ALL_HOLD = 256 * 1024 * 1024, 512 * 1024 * 1024
"""Bytes that one client's open requests may have with what is attached to them, and those of all clients."""


class Open(msgspec.Struct, frozen=True):
    """An open request: who carries it out, how it stands for those who look on, and the frames that came with
    it. However many hold the list, with the end of the request it is empty."""

    service: Service
    standing: Standing | None = None
    blobs: list[Blob] = msgspec.field(default_factory=list)
    held: int = 0


class Connection(msgspec.Struct, eq=False):
    """One client: its open requests by their ids, and what waits for it. `address` is where it is, the same
    bytes for all that keep it."""

    address: bytes = b""
    greeted: bool = False
    open: dict[int, Open] = msgspec.field(default_factory=dict)
    program: str = ""
    pid: int = 0
    serves: tuple[str, ...] = ()
    outbox: Outbox = msgspec.field(default_factory=Outbox)

    @property
    def held(self) -> int:
        """Bytes of its open requests."""
        return sum(opened.held for opened in self.open.values())

    @property
    def wanted(self) -> int:
        """Open requests for which a supervisor stays."""
        return sum(opened.service.busy for opened in self.open.values())


def no_room(more: int, connection: Connection, everybody: Iterable[Connection]) -> Failure | None:
    """Why `more` bytes are too many: this client, or all together, have too much open."""
    if not more:
        return None
    for held, limit, whose in (
        (connection.held, CLIENT_HOLDS, "this client's open requests"),
        (sum(other.held for other in everybody), ALL_HOLD, "the open requests of all clients"),
    ):
        if held + more > limit:
            message = f"{whose} have {held:,} bytes, {more:,} more are too many"
            hint = "ask again when some have ended"
            return Failure(Code.OVERLOADED, message, hint, retryable=True, retry_after=1.0)
    return None
