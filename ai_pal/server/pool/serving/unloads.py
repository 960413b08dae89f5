"""Unloads that clients asked for: each is answered when the last of its workers has ended."""

import msgspec

from ai_pal.protocol import client as wire
from ai_pal.server.ports import Clients


class Unloading(msgspec.Struct, eq=False):
    """An unload under way for a client: the models it still waits for, and those that are gone."""

    client: bytes
    id: int
    waiting: set[str] = msgspec.field(default_factory=set)
    gone: list[str] = msgspec.field(default_factory=list)


class Unloads:
    """The unloads under way."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._jobs: list[Unloading] = []

    def add(self, job: Unloading) -> None:
        self._jobs.append(job)
        self._settle()

    def gone(self, model: str) -> None:
        """The model's worker has ended."""
        for job in self._jobs:
            if model in job.waiting:
                job.waiting.discard(model)
                job.gone.append(model)
        self._settle()

    def leave(self, client: bytes, request_id: int | None = None) -> list[int]:
        """Take out this client's unloads, all or one of them: it is not told of them any more. Their ids."""
        leaving = [job for job in self._jobs if job.client == client and request_id in (None, job.id)]
        self._jobs = [job for job in self._jobs if job not in leaving]
        return [job.id for job in leaving]

    def _settle(self) -> None:
        for job in [job for job in self._jobs if not job.waiting]:
            self._jobs.remove(job)
            self._clients.send(job.client, wire.Unloaded(job.id, job.gone))
