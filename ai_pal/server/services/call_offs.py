"""The end of another's request, as an operation."""

from collections.abc import Callable, Sequence

from ai_pal.protocol import client as wire
from ai_pal.server.ports import Clients
from ai_pal.server.services.base import AtOnce
from ai_pal.transport.sockets import Blob


class CallOffs(AtOnce[wire.CallOff]):
    """Implements `Service` for `call_off`. `call_off` stops the request of a key, for this client, and says
    whether there was one. All clients are of one user: the endpoint lets nobody else in."""

    def __init__(self, clients: Clients, call_off: Callable[[bytes, str], bool]) -> None:
        super().__init__(clients, lambda request: wire.CalledOff(request.id, request.key))
        self._call_off = call_off

    def start(self, client: bytes, request: wire.CallOff, blobs: Sequence[Blob] = ()) -> None:
        found = self._call_off(client, request.key)
        self._clients.send(client, wire.CalledOff(request.id, request.key, found))
