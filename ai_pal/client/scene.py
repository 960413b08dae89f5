"""The state of a supervisor as a subscriber knows it: the first picture and all later changes. Pure."""

from collections import deque

import msgspec

from ai_pal.protocol import client as wire

ENDS = frozenset({"done", "failed", "interrupted", "cancelled"})
"""The phases in which a request is told of for the last time."""

REMEMBERED = 20


class Scene:
    """How things stand by what `events()` has told: `models` by name, `requests` by key, `downloads` by their
    models; `gateways` serve others, of so many `clients`, `nodes` are those of a cluster. `ended` are the
    last requests that have ended, `happened` what happened last, the newest at the end. With `now`, in
    seconds of any clock, times go on while nothing is told."""

    def __init__(self) -> None:
        self.supervisor: wire.Picture | None = None
        self.free = self.clients = 0
        self.gateways: list[wire.Gateway] = []
        self.nodes: list[wire.NodeStatus] = []
        self.models: dict[str, wire.WorkerStatus] = {}
        self.requests: dict[str, wire.RequestStatus] = {}
        self.downloads: dict[str, wire.DownloadStatus] = {}
        self.ended: deque[wire.RequestStatus] = deque(maxlen=REMEMBERED)
        self.happened: deque[wire.Happening] = deque(maxlen=REMEMBERED)
        self._told_at: dict[str, float] = {}
        self._pictured_at = 0.0
        self._happened_at: deque[float] = deque(maxlen=REMEMBERED)

    def take(self, event: wire.Picture | wire.Changes, now: float = 0.0) -> None:
        """Add one event."""
        if isinstance(event, wire.Picture):
            self._pictured_at = now
            self.supervisor, self.free, self.gateways = event, event.free, event.gateways
            self.clients, self.nodes = event.clients, event.nodes
            self.happened.clear()
            self._happened_at.clear()
            self.models, self.requests, self.downloads, self._told_at = {}, {}, {}, {}
        else:
            self.free = self.free if event.free is None else event.free
            self.gateways = self.gateways if event.gateways is None else event.gateways
            self.clients = self.clients if event.clients is None else event.clients
            self.nodes = self.nodes if event.nodes is None else event.nodes
        self.happened.extend(event.happened)
        self._happened_at.extend(now - one.seconds for one in event.happened)
        self.models |= {one.model: one for one in event.models}
        self.requests |= {one.key: one for one in event.requests}
        self.downloads |= {one.model: one for one in event.downloads}
        self._told_at |= {one.model: now for one in event.models} | {one.key: now for one in event.requests}
        self._drop_what_is_over(event)

    def uptime_at(self, now: float) -> float | None:
        """Seconds that the supervisor runs; None where none is watched."""
        return None if self.supervisor is None else self.supervisor.uptime + now - self._pictured_at

    def models_at(self, now: float) -> list[wire.WorkerStatus]:
        """The models as they are now."""
        return [_later(one, now - self._told_at[name]) for name, one in self.models.items()]

    def requests_at(self, now: float) -> list[wire.RequestStatus]:
        """The requests as they are now."""
        return [
            msgspec.structs.replace(one, seconds=one.seconds + now - self._told_at[key])
            for key, one in self.requests.items()
        ]

    def happened_at(self, now: float) -> list[wire.Happening]:
        """What happened, and how long ago that is now."""
        pairs = zip(self.happened, self._happened_at, strict=True)
        return [msgspec.structs.replace(one, seconds=now - then) for one, then in pairs]

    def _drop_what_is_over(self, event: wire.Picture | wire.Changes) -> None:
        for request in event.requests:
            if request.phase in ENDS:
                self.ended.append(request)
                del self.requests[request.key], self._told_at[request.key]
        for model in event.models:
            if model.state == wire.GONE:
                del self.models[model.model], self._told_at[model.model]
        for download in event.downloads:
            if download.state == wire.GONE:
                del self.downloads[download.model]


def _later(model: wire.WorkerStatus, seconds: float) -> wire.WorkerStatus:
    idle, left = model.idle_for, model.unloads_in
    return msgspec.structs.replace(
        model,
        idle_for=None if idle is None else idle + seconds,
        unloads_in=None if left is None else max(0.0, left - seconds),
    )
