"""Answers, as an operation: the router's requests."""

from collections.abc import Sequence

from ai_pal.errors import Failure
from ai_pal.protocol import client as wire
from ai_pal.server.router.router import Router
from ai_pal.server.services.activity import Computed
from ai_pal.transport.sockets import Blob


class Chats:
    """Implements `Service` for `chat`, and `subscriptions.Computing`."""

    def __init__(self, router: Router) -> None:
        self._router = router

    @property
    def busy(self) -> bool:
        return bool(len(self._router))

    def start(self, client: bytes, request: wire.Chat, blobs: Sequence[Blob] = ()) -> None:
        self._router.chat(client, request, blobs)

    def cancel(self, client: bytes, request_id: int, reason: Failure | None = None) -> bool:
        return self._router.cancel(client, request_id, reason)

    def client_gone(self, client: bytes, failure: Failure | None = None) -> None:
        self._router.client_gone(client, failure)

    def computed(self, client: bytes, request_id: int) -> Computed | None:
        request = self._router.find(client, request_id)
        return None if request is None else Computed(request.is_computed, request.next_seq)

    def tick(self) -> None:
        self._router.tick()

    def shutdown(self, drain: float) -> None:
        self._router.shutdown(drain)
