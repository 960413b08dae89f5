"""Loads and unloads of models, as operations: the pool of workers behind them."""

from collections.abc import Sequence

from ai_pal.errors import Failure
from ai_pal.protocol import client as wire
from ai_pal.server.backends.local import LocalModels
from ai_pal.server.pool.supervisor import Supervisor
from ai_pal.server.services.downloads import Downloads
from ai_pal.transport.sockets import Blob


class Loading:
    """Implements `Service` for `load` and `unload`. A load whose model is downloaded first is open there."""

    def __init__(self, models: LocalModels, supervisor: Supervisor, downloads: Downloads) -> None:
        self._models, self._supervisor, self._downloads = models, supervisor, downloads

    @property
    def busy(self) -> bool:
        """Models that are loaded count."""
        return not self._supervisor.idle

    def start(self, client: bytes, request: wire.Load | wire.Unload, blobs: Sequence[Blob] = ()) -> None:
        if isinstance(request, wire.Load):
            self._models.load(client, request)
        else:
            self._supervisor.unload(client, request)

    def cancel(self, client: bytes, request_id: int, reason: Failure | None = None) -> bool:
        """What was begun goes on in the background: only its client hears no more of it."""
        if self._downloads.cancel(client, request_id, reason):
            return True
        return self._supervisor.cancel(client, request_id, reason)

    def client_gone(self, client: bytes, failure: Failure | None = None) -> None:
        self._supervisor.client_gone(client, failure)

    def tick(self) -> None:
        self._supervisor.tick()

    def shutdown(self, drain: float) -> None:
        self._supervisor.shutdown(drain)
