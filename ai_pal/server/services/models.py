"""Which models there are, as an operation: the disk is looked at beside the loop, once for all who wait."""

from collections.abc import Callable, Sequence

from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.server.pool.failures import CLOSING
from ai_pal.server.ports import Clients, Clock
from ai_pal.server.services.base import called_off
from ai_pal.transport.sockets import Blob

LIMIT = 30.0
"""Seconds that a look may take: a disk behind a network may not answer."""

STUCK = Failure(Code.FILE_UNREADABLE, f"the model folders gave no answer in {LIMIT:g} s", "ai-pal doctor")

Told = Callable[[list[wire.ModelInfo] | Failure], None]
Look = Callable[[Told], None]
"""Begins to look; what was found is told later, never from within this call."""


class ModelLists:
    """Implements `Service` for `models`."""

    def __init__(self, clients: Clients, clock: Clock, look: Look) -> None:
        self._clients, self._clock, self._look = clients, clock, look
        self._waiting: dict[tuple[bytes, int], wire.Models] = {}
        self._until: float | None = None
        self._closing = False

    @property
    def busy(self) -> bool:
        return bool(self._waiting)

    def start(self, client: bytes, request: wire.Models, blobs: Sequence[Blob] = ()) -> None:
        if self._closing:
            self._clients.send(client, wire.Failed(request.id, [CLOSING]))
            return
        self._waiting[client, request.id] = request
        if self._until is None:
            self._until = self._clock.now() + LIMIT
            self._clock.wake_at(self._until)
            self._look(self._found)

    def cancel(self, client: bytes, request_id: int, reason: Failure | None = None) -> bool:
        there = self._waiting.pop((client, request_id), None) is not None
        if there:
            self._clients.send(client, called_off(request_id, reason))
        return there

    def client_gone(self, client: bytes, failure: Failure | None = None) -> None:
        for owner, request_id in [one for one in self._waiting if one[0] == client]:
            del self._waiting[owner, request_id]
            if failure is not None:
                self._clients.send(client, wire.Failed(request_id, [failure]))

    def tick(self) -> None:
        if self._until is None or not self._waiting:
            return
        if self._clock.now() >= self._until:
            self._answer(STUCK)
        else:
            self._clock.wake_at(self._until)

    def shutdown(self, drain: float) -> None:
        self._closing = True
        self._answer(CLOSING)

    def _found(self, found: list[wire.ModelInfo] | Failure) -> None:
        self._until = None
        self._answer(found)

    def _answer(self, found: list[wire.ModelInfo] | Failure) -> None:
        waiting, self._waiting = self._waiting, {}
        for (client, request_id), request in waiting.items():
            if isinstance(found, Failure):
                self._clients.send(client, wire.Failed(request_id, [found]))
                continue
            models = [model for model in found if model.here or not request.here]
            self._clients.send(client, wire.ModelsReply(request_id, models))
