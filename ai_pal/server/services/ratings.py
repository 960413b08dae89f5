"""What people say of answers, as an operation."""

from collections.abc import Callable, Sequence

from ai_pal.protocol import client as wire
from ai_pal.server.ports import Clients
from ai_pal.server.services.base import AtOnce
from ai_pal.transport.sockets import Blob


class Ratings(AtOnce[wire.Rate]):
    """Implements `Service` for `rate`. `rate` counts what a client says of an answer of its own, by the id,
    and says whether that taught anything."""

    def __init__(self, clients: Clients, rate: Callable[[bytes, int, bool], bool]) -> None:
        super().__init__(clients, lambda request: wire.Rated(request.id))
        self._rate = rate

    def start(self, client: bytes, request: wire.Rate, blobs: Sequence[Blob] = ()) -> None:
        learned = self._rate(client, request.answer, request.good)
        self._clients.send(client, wire.Rated(request.id, learned))
