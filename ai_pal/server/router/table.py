"""The open requests of clients at the router. The only place that accepts them and sends their last event."""

import heapq
import itertools
from collections.abc import Iterator

from ai_pal.errors import Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.usage import Timings
from ai_pal.server.jobs import Answered
from ai_pal.server.ports import Clients, Observe
from ai_pal.server.router.request import RoutedRequest


class Table:
    """Each request in it ends exactly once."""

    def __init__(self, clients: Clients, observe: Observe) -> None:
        self._clients, self._observe = clients, observe
        self._open: dict[tuple[bytes, int], RoutedRequest] = {}
        self._alarms: list[tuple[float, int, RoutedRequest]] = []
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[RoutedRequest]:
        return iter(list(self._open.values()))

    def add(self, request: RoutedRequest) -> None:
        """The caller has checked that its id is free."""
        self._open[request.client, request.chat.id] = request

    def find(self, client: bytes, request_id: int) -> RoutedRequest | None:
        return self._open.get((client, request_id))

    def of_client(self, client: bytes) -> list[RoutedRequest]:
        return [request for (owner, _), request in self._open.items() if owner == client]

    # -- what clients hear ---------------------------------------------------------------------

    def tell(self, request: RoutedRequest, event: wire.Event) -> None:
        """Send the client an event that is not its last."""
        self._clients.send(request.client, event)

    def accept(self, request: RoutedRequest, now: float) -> None:
        """Send `accepted`, once: from then on the client can rely on a last event."""
        if request.accepted_at is None:
            request.accepted_at = now
            self._clients.send(request.client, wire.Accepted(request.chat.id))

    def done(self, request: RoutedRequest, result: Answered, timings: Timings) -> None:
        said, end = result.finish_reason, result.stop
        done = wire.Done(request.chat.id, said, request.usage, timings, request.cost, end, request.doubt)
        self._end(request, done)

    def cancelled(self, request: RoutedRequest, timings: Timings) -> None:
        self._end(request, wire.Cancelled(request.chat.id, request.usage, timings, request.cost))

    def interrupted(self, request: RoutedRequest, reason: Failure, timings: Timings) -> None:
        event = wire.Interrupted(request.chat.id, reason, request.usage, timings, request.cost)
        self._end(request, event, reason.code)

    def failed(self, request: RoutedRequest, reasons: tuple[Failure, ...]) -> None:
        event = wire.Failed(request.chat.id, list(reasons), request.usage, request.cost)
        self._end(request, event, reasons[-1].code)

    def _end(self, request: RoutedRequest, event: wire.Event, code: str = "") -> None:
        if request.ended:
            return
        request.ended = True
        del self._open[request.client, request.chat.id]
        self._clients.send(request.client, event)
        self._observe(
            "answer_ended",
            client=request.client.hex(),
            id=request.chat.id,
            outcome=type(event).__name__.lower(),
            code=code,
            tokens=request.next_seq,
            cost=None if request.cost is None else round(request.cost, 6),
        )

    # -- time ----------------------------------------------------------------------------------

    def look_at(self, request: RoutedRequest, when: float) -> None:
        """Give this request out in `due` from then on."""
        heapq.heappush(self._alarms, (when, next(self._order), request))

    def due(self, now: float) -> list[RoutedRequest]:
        """Open requests that were to be looked at by now, each once."""
        found: dict[int, RoutedRequest] = {}
        while self._alarms and self._alarms[0][0] <= now:
            request = heapq.heappop(self._alarms)[2]
            if not request.ended:
                found[id(request)] = request
        return list(found.values())

    def next_look(self) -> float | None:
        while self._alarms and self._alarms[0][2].ended:
            heapq.heappop(self._alarms)
        return self._alarms[0][0] if self._alarms else None
