"""The end of the supervisor, as an operation."""

from collections.abc import Callable, Sequence

from ai_pal.counted import counted
from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.server.ports import Clients
from ai_pal.server.services.base import AtOnce
from ai_pal.transport.sockets import Blob


class Stops(AtOnce[wire.Stop]):
    """Implements `Service` for `stop`. `open_requests` counts those of all clients for which a supervisor
    stays; `stop` lets what was said go out first."""

    def __init__(self, clients: Clients, open_requests: Callable[[], int], stop: Callable[[], None]) -> None:
        super().__init__(clients, lambda request: wire.Stopping(request.id))
        self._open_requests, self._stop = open_requests, stop

    def start(self, client: bytes, request: wire.Stop, blobs: Sequence[Blob] = ()) -> None:
        others = self._open_requests()
        if request.only_if_idle and others:
            busy = Failure(
                Code.MODEL_BUSY,
                f"{counted(others, 'request')} {'is' if others == 1 else 'are'} running",
                "wait for them, or stop anyway",
            )
            self._clients.send(client, wire.Failed(request.id, [busy]))
            return
        super().start(client, request, blobs)
        self._stop()
