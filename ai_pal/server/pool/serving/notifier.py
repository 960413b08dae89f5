"""What those who wait for a model hear: their place in the queue, how far the load is, why it waits."""

import msgspec

from ai_pal.protocol import client as wire
from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.ports import Clients


class Notifier:
    """Tells each only what is new to it. `clients` are those whose loads wait."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def positions(self, worker: ModelWorker) -> None:
        for position, request in enumerate(worker.queue, 1):
            if request.told_position != position:
                request.told_position = position
                request.sink.news(wire.Queued(0, position))

    def progress(self, worker: ModelWorker) -> None:
        if worker.state.phase is Phase.WAITING:
            self._waiting(worker)
        if worker.state.phase not in lifecycle.COMING or worker.group.ready:
            return  # who waits for a slot beside those that answer is told of their place
        progress = worker.state.progress
        node = worker.node if worker.state.phase is Phase.FETCHING else ""
        for request in worker.group.waiting:
            if progress > request.told_progress or node != request.told_node:
                request.told_progress, request.told_node = progress, node
                request.sink.news(wire.Loading(0, worker.model, progress, node=node))
        for number, waiter in enumerate(worker.loaders):
            if worker.group.replicated:
                if progress <= waiter.told_progress and node == waiter.told_node:
                    continue  # another one is further
                worker.loaders[number] = msgspec.structs.replace(
                    waiter, told_progress=progress, told_node=node
                )
            self._clients.send(waiter.client, wire.Loading(waiter.id, worker.model, progress, node=node))

    def _waiting(self, worker: ModelWorker) -> None:
        """Tell everybody who waits, once, why the load has to wait for memory."""
        reason = worker.state.reason.message if worker.state.reason else ""
        for request in worker.group.waiting:
            if request.told_reason != reason:
                request.told_reason, request.told_progress = reason, 0.0
                request.sink.news(wire.Loading(0, worker.model, 0.0, reason))
        for number, waiter in enumerate(worker.loaders):
            if waiter.told_reason != reason:
                worker.loaders[number] = msgspec.structs.replace(waiter, told_reason=reason)
                self._clients.send(waiter.client, wire.Loading(waiter.id, worker.model, 0.0, reason))
