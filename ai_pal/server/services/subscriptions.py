"""Looking on, as an operation: a picture of now for each who subscribes, then the changes. Who does not read
is told nothing until it does, and gets a picture again then: nothing waits here."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.server.pool.failures import CLOSING
from ai_pal.server.ports import Clients, Clock
from ai_pal.server.services.activity import Activity, Computed, Standing
from ai_pal.server.services.base import called_off
from ai_pal.transport.sockets import Blob

INTERVAL = 0.25
"""Seconds between two looks at what nobody announces: tokens, loads, memory."""

MOST = 64
"""Subscriptions at once."""

FULL = Failure(Code.OVERLOADED, f"{MOST} look on already", "end one of them", retryable=True, retry_after=1.0)

MEBIBYTE = 1024 * 1024

NOTABLE = 64 * MEBIBYTE
"""Bytes of free memory that are news."""


class Computing(Protocol):
    """A service whose requests are computed."""

    def computed(self, client: bytes, request_id: int) -> Computed | None:
        """How far this request is; None: it is none of its own, or has ended."""


class Onlooker(msgspec.Struct, eq=False):
    """One subscription. `behind`: it did not read, and has missed so many changes."""

    client: bytes
    id: int
    behind: bool = False
    missed: int = 0


class Subscriptions:
    """Implements `Service` for `subscribe`, and `activity.Onlooker`. `status` tells how the supervisor and
    its models stand, `unread` how many bytes a client lets wait, `free` the memory that loads can have, and
    `total` what they could ever have."""

    busy = False

    def __init__(
        self,
        *,
        clients: Clients,
        clock: Clock,
        activity: Activity,
        computing: Sequence[Computing],
        status: Callable[[wire.Status], wire.StatusReply],
        downloads: Callable[[], list[wire.DownloadStatus]],
        unread: Callable[[bytes], int],
        free: Callable[[], int],
        total: Callable[[], int],
    ) -> None:
        self._clients, self._clock, self._activity = clients, clock, activity
        self._computing, self._status, self._downloads = computing, status, downloads
        self._unread, self._free, self._total = unread, free, total
        self._onlookers: dict[tuple[bytes, int], Onlooker] = {}
        self._models: dict[str, wire.WorkerStatus] = {}
        self._pulls: dict[str, wire.DownloadStatus] = {}
        self._answers: dict[str, Computed] = {}
        self._gateways: list[wire.Gateway] = []
        self._nodes: list[wire.NodeStatus] = []
        self._connected = 0
        self._told_free = 0
        self._look_at = 0.0
        self._closing = False

    # -- from clients --------------------------------------------------------------------------

    def start(self, client: bytes, request: wire.Subscribe, blobs: Sequence[Blob] = ()) -> None:
        if self._closing or len(self._onlookers) >= MOST:
            self._clients.send(client, wire.Failed(request.id, [CLOSING if self._closing else FULL]))
            return
        self._activity.onlooker = self
        self._tell(self._changed())  # so that the next look is compared with what this picture shows
        onlooker = self._onlookers[client, request.id] = Onlooker(client, request.id)
        self._show(onlooker)
        self._look_at = self._clock.now() + INTERVAL
        self._clock.wake_at(self._look_at)

    def cancel(self, client: bytes, request_id: int, reason: Failure | None = None) -> bool:
        there = self._onlookers.pop((client, request_id), None) is not None
        if there:
            self._clients.send(client, called_off(request_id, reason))
            self._rest()
        return there

    def client_gone(self, client: bytes, failure: Failure | None = None) -> None:
        for owner, request_id in [one for one in self._onlookers if one[0] == client]:
            del self._onlookers[owner, request_id]
            if failure is not None:
                self._clients.send(client, wire.Failed(request_id, [failure]))
        self._rest()

    def tick(self) -> None:
        now = self._clock.now()
        if not self._onlookers:
            return
        if now >= self._look_at:
            self._look_at = now + INTERVAL
            self._tell(self._changed())
            for onlooker in list(self._onlookers.values()):
                if onlooker.behind and not self._unread(onlooker.client):
                    self._show(onlooker)
        self._clock.wake_at(self._look_at)

    def shutdown(self, drain: float) -> None:
        self._closing = True
        onlookers, self._onlookers = self._onlookers, {}
        self._rest()
        for client, request_id in onlookers:
            self._clients.send(client, wire.Failed(request_id, [CLOSING]))

    # -- from the activity ---------------------------------------------------------------------

    def moved(self, standing: Standing) -> None:
        self._tell(wire.Changes(0, requests=[self._request(standing)]))
        if standing.end is not None:
            self._answers.pop(standing.key, None)

    def happened(self, happening: wire.Happening) -> None:
        self._tell(wire.Changes(0, happened=[happening]))

    def look(self) -> None:
        """In the next tick: whoever says so has not done all of it yet."""
        self._look_at = self._clock.now()
        self._clock.wake_at(self._look_at)

    # -- inside --------------------------------------------------------------------------------

    def _tell(self, changes: wire.Changes | None) -> None:
        if changes is None:
            return
        for onlooker in self._onlookers.values():
            onlooker.behind = onlooker.behind or self._unread(onlooker.client) > 0
            if onlooker.behind:
                onlooker.missed += 1
            else:
                self._clients.send(onlooker.client, msgspec.structs.replace(changes, id=onlooker.id))

    def _show(self, onlooker: Onlooker) -> None:
        """All there is, to one who knows nothing or has missed something."""
        reply = self._status(wire.Status(0))
        picture = wire.Picture(
            onlooker.id,
            version=reply.version,
            pid=reply.pid,
            uptime=reply.uptime,
            clients=reply.clients,
            memory=reply.memory,
            free=self._free(),
            models=reply.workers,
            requests=[self._request(standing) for standing in self._activity],
            downloads=self._downloads(),
            missed=onlooker.missed,
            total=self._total(),
            gateways=reply.gateways,
            happened=self._activity.happenings,
            nodes=reply.nodes,
        )
        onlooker.behind, onlooker.missed = False, 0
        self._clients.send(onlooker.client, picture)

    def _changed(self) -> wire.Changes | None:
        """What is otherwise than at the last look."""
        reply = self._status(wire.Status(0))
        models = {one.model: one for one in reply.workers}
        pulls = {one.model: one for one in self._downloads()}
        news = wire.Changes(
            0,
            models=[one for name, one in models.items() if differs(one, self._models.get(name))]
            + [_unloaded(one) for name, one in self._models.items() if name not in models],
            downloads=[one for name, one in pulls.items() if one != self._pulls.get(name)]
            + [_over(one) for name, one in self._pulls.items() if name not in pulls],
            requests=self._answering(),
            gateways=reply.gateways if reply.gateways != self._gateways else None,
            clients=reply.clients if reply.clients != self._connected else None,
            nodes=reply.nodes if _have_moved(self._nodes, reply.nodes) else None,
        )
        self._nodes = self._nodes if news.nodes is None else news.nodes
        free = self._free()
        if news.models or abs(free - self._told_free) >= NOTABLE:
            self._told_free, news = free, msgspec.structs.replace(news, free=free)
        self._models, self._pulls = models, pulls
        self._gateways, self._connected = reply.gateways, reply.clients
        return news if news != wire.Changes(0) else None

    def _answering(self) -> list[wire.RequestStatus]:
        """Requests that have come further without a word to their clients but pieces of the answer."""
        found = []
        for standing in self._activity:
            computed = self._computed(standing)
            if computed is None:
                continue
            if self._answers.get(standing.key, Computed()) != computed:
                self._answers[standing.key] = computed
                found.append(standing.status(self._clock.now(), computed))
        return found

    def _request(self, standing: Standing) -> wire.RequestStatus:
        return standing.status(self._clock.now(), self._computed(standing))

    def _computed(self, standing: Standing) -> Computed | None:
        found = (one.computed(standing.client, standing.id) for one in self._computing)
        return next((computed for computed in found if computed is not None), None)

    def _rest(self) -> None:
        """While nobody looks on nothing is collected."""
        if not self._onlookers:
            self._activity.onlooker = None
            self._answers.clear()


def differs(one: wire.WorkerStatus, before: wire.WorkerStatus | None) -> bool:
    """Whether more is new than what passes by itself: time, and a little memory."""
    return before is None or lasting(one) != lasting(before)


def lasting(one: wire.WorkerStatus) -> wire.WorkerStatus:
    """What of it is news when it changes."""
    return msgspec.structs.replace(
        one,
        memory=one.memory // (16 * MEBIBYTE),
        idle_for=None if one.idle_for is None else 0.0,
        unloads_in=None if one.unloads_in is None else 0.0,
    )


def _unloaded(one: wire.WorkerStatus) -> wire.WorkerStatus:
    gone = wire.WorkerStatus(one.model, wire.GONE, one.engine, reason=one.reason, restarts=one.restarts)
    return msgspec.structs.replace(gone, vocabulary=one.vocabulary)


def _over(one: wire.DownloadStatus) -> wire.DownloadStatus:
    return msgspec.structs.replace(one, state=wire.GONE, speed=0.0, remaining=None, followers=0)


def _have_moved(before: Sequence[wire.NodeStatus], now: Sequence[wire.NodeStatus]) -> bool:
    """Whether that of nodes is news: figures of free memory move all the time."""
    if len(before) != len(now):
        return True
    return any(old != new and _differs_notably(old, new) for old, new in zip(before, now, strict=True))


def _differs_notably(old: wire.NodeStatus, new: wire.NodeStatus) -> bool:
    moves = [abs(old.free - new.free)]
    moves += [abs(a.free - b.free) for a, b in zip(old.cards, new.cards, strict=False)]
    cards = [msgspec.structs.replace(card, free=0) for card in old.cards]
    others = [msgspec.structs.replace(card, free=0) for card in new.cards]
    alike = msgspec.structs.replace(old, free=0, cards=cards) == msgspec.structs.replace(
        new, free=0, cards=others
    )
    return not alike or max(moves) >= NOTABLE
