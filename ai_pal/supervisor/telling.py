"""What those who wait for a model hear: their place in the queue, how far the load is, why it waits."""

import msgspec

from ai_pal.lifecycle import Phase
from ai_pal.messages import client as wire
from ai_pal.supervisor.ports import Clients
from ai_pal.supervisor.slot import Slot


class Telling:
    """Sends to each only what is new to it."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def positions(self, slot: Slot) -> None:
        for position, request in enumerate(slot.queue, 1):
            if request.told_position != position:
                request.told_position = position
                self._clients.send(request.client, wire.Queued(request.chat.id, position))

    def progress(self, slot: Slot) -> None:
        if slot.state.phase is Phase.WAITING:
            self._waiting(slot)
        if slot.state.phase not in (Phase.STARTING, Phase.LOADING):
            return
        progress = slot.state.progress
        for request in slot.queue:
            if progress > request.told_progress:
                request.told_progress = progress
                self._clients.send(request.client, wire.Loading(request.chat.id, slot.model, progress))
        for waiter in slot.loaders:
            self._clients.send(waiter.client, wire.Loading(waiter.id, slot.model, progress))

    def _waiting(self, slot: Slot) -> None:
        """Tell everybody who waits, once, why the load has to wait for memory."""
        reason = slot.state.reason.message if slot.state.reason else ""
        for request in slot.queue:
            if request.told_reason != reason:
                request.told_reason, request.told_progress = reason, 0.0
                self._clients.send(request.client, wire.Loading(request.chat.id, slot.model, 0.0, reason))
        for number, waiter in enumerate(slot.loaders):
            if waiter.told_reason != reason:
                slot.loaders[number] = msgspec.structs.replace(waiter, told_reason=reason)
                self._clients.send(waiter.client, wire.Loading(waiter.id, slot.model, 0.0, reason))
