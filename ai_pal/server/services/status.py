"""Who this supervisor is, and how it stands."""

from collections.abc import Callable

import msgspec

from ai_pal.protocol import client as wire
from ai_pal.server.ports import Clock


class Identity(msgspec.Struct, frozen=True):
    """What `welcome` and `status` say about this supervisor."""

    version: str
    pid: int
    uid: int
    endpoint: str
    fingerprint: dict[str, str] = msgspec.field(default_factory=dict)
    auto_started: bool = False
    started_at: float = 0.0
    model_cache_dir: str = ""


class StatusReports:
    """Answers `status`. `clients` counts connections, `memory` the resident bytes of this process,
    `evictions` models that had to make room."""

    def __init__(
        self,
        identity: Identity,
        clock: Clock,
        clients: Callable[[], int],
        memory: Callable[[], int],
        workers: Callable[[], list[wire.WorkerStatus]],
        gateways: Callable[[], list[wire.Gateway]],
        nodes: Callable[[], list[wire.NodeStatus]] = list,
        evictions: Callable[[], int] = int,
    ) -> None:
        self._identity, self._clock = identity, clock
        self._clients, self._memory, self._workers = clients, memory, workers
        self._gateways, self._nodes, self._evictions = gateways, nodes, evictions

    def answer(self, request: wire.Status) -> wire.StatusReply:
        me = self._identity
        return wire.StatusReply(
            id=request.id,
            version=me.version,
            pid=me.pid,
            uptime=self._clock.now() - me.started_at,
            endpoint=me.endpoint,
            auto_started=me.auto_started,
            clients=self._clients(),
            memory=self._memory(),
            workers=self._workers(),
            gateways=self._gateways(),
            nodes=self._nodes(),
            evictions=self._evictions(),
        )
