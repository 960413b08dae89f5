"""The client endpoint: client connections, from frames to requests and from events to frames.

Sans-IO like the supervisor behind it. Malformed, unknown and oversized messages are answered, never
met with silence; a client that does not read is cut off at a bound.
"""

from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from ai_pal.config.fingerprint import digest
from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.requests import SEE, id_of, id_within, objection, unreadable
from ai_pal.server.ports import Clock
from ai_pal.server.services.base import Service
from ai_pal.server.services.operations import Operations
from ai_pal.server.services.status import Identity
from ai_pal.transport.channel import Sent
from ai_pal.transport.peer import Peer

BACKLOG_LIMIT = 4 * 1024 * 1024
"""Bytes that may wait for a client that does not read; then its requests are interrupted, and at
twice as much it is forgotten."""

RESEND_INTERVAL = 0.02
"""Seconds between two tries to reach a client that does not read."""

SendFrames = Callable[[bytes, Sequence[bytes]], Sent]


FEATURES = ("reading", wire.FINGERPRINT)
"""What this supervisor can do beyond the operations, which are features by their names."""


class Connection(msgspec.Struct, eq=False):
    """One client: who carries out its open requests, by their ids; what waits to be encoded, and what libzmq
    would not take yet."""

    greeted: bool = False
    open: dict[int, Service] = msgspec.field(default_factory=dict)
    pid: int = 0
    outbox: list[wire.Event] = msgspec.field(default_factory=list)
    backlog: deque[bytes] = msgspec.field(default_factory=deque)
    backlog_bytes: int = 0


class ClientEndpoint:
    """Implements `supervisor.ports.Clients`, and owns the ids of all open requests. `flush` is asked for
    through `request_flush`, so that what waits together goes out together."""

    operations: Operations

    def __init__(
        self,
        *,
        identity: Identity,
        clock: Clock,
        send_frames: SendFrames,
        request_flush: Callable[[], None],
        backlog_limit: int = BACKLOG_LIMIT,
        greeted: Callable[[bytes, Peer | None], None] = lambda client, peer: None,
        left: Callable[[bytes], None] = lambda client: None,
    ) -> None:
        self._identity, self._clock = identity, clock
        self._send_frames, self._request_flush = send_frames, request_flush
        self._greeted, self._left = greeted, left
        self._backlog_limit = backlog_limit
        self._connections: dict[bytes, Connection] = {}
        self._dirty: dict[bytes, Connection] = {}

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def open_requests(self) -> int:
        """How many requests of all clients are open."""
        return sum(len(connection.open) for connection in self._connections.values())

    # -- from clients --------------------------------------------------------------------------

    def received(self, client: bytes, frames: Sequence[bytes], peer: Peer | None) -> None:
        """Take one message: each frame is one request."""
        if peer is not None and peer.uid != self._identity.uid:
            self._refuse(client, Code.NOT_OWNER, "this supervisor belongs to another user")
            return
        for frame in frames:
            self._take(client, frame, peer)

    def gone(self, client: bytes) -> None:
        """The client's process ended or its socket is closed."""
        if self._connections.pop(client, None) is not None:
            self._dirty.pop(client, None)
            self._left(client)
            self.operations.client_gone(client)

    def _take(self, client: bytes, frame: bytes, peer: Peer | None) -> None:
        if len(frame) > wire.MAX_FRAME:
            message = f"a frame of {len(frame)} bytes is over the limit of {wire.MAX_FRAME}"
            self._refuse(client, Code.FRAME_TOO_LARGE, message)
            return
        try:
            request = wire.decode_request(frame)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            self._fail(client, unreadable(frame, error), id_within(frame))
            return
        connection = self._connections.get(client)
        if isinstance(request, wire.Hello):
            self._hello(client, request, peer)
        elif connection is None or not connection.greeted:
            self._refuse(client, Code.HELLO_REQUIRED, "say hello first", id_of(request))
        elif isinstance(request, wire.Goodbye):
            self.gone(client)
        elif isinstance(request, wire.Cancel):
            if service := connection.open.get(request.id):
                service.cancel(client, request.id)
        else:
            self._begin(client, connection, request)

    def _begin(self, client: bytes, connection: Connection, request: wire.AnyRequest) -> None:
        """Hand a request to the service that carries it out, unless there is something against it."""
        request_id, service = id_of(request), self.operations.of(request)
        if request_id in connection.open:
            self._refuse(client, Code.DUPLICATE_ID, f"request id {request_id} is still open")
        elif why := objection(request):
            self._fail(client, why, max(0, request_id))
        elif service is None:
            self._refuse(client, Code.UNKNOWN_MESSAGE, "this supervisor does not do that", request_id)
        else:
            connection.open[request_id] = service
            service.start(client, request)

    def _hello(self, client: bytes, hello: wire.Hello, peer: Peer | None) -> None:
        if hello.protocol != wire.PROTOCOL:
            message = f"protocol {hello.protocol} is not spoken here, only {wire.PROTOCOL}"
            self._refuse(client, Code.PROTOCOL_MISMATCH, message)
            return
        connection = self._connections.setdefault(client, Connection())
        connection.greeted = True
        me = self._identity
        welcome = wire.Welcome(
            wire.PROTOCOL,
            me.version,
            me.pid,
            digest(me.fingerprint),
            me.auto_started,
            [*self.operations.names, *FEATURES],
            me.model_cache_dir,
            me.fingerprint,
            self._clock.now() - me.started_at,
        )
        self.send(client, welcome)
        self._greeted(client, peer)

    def _refuse(self, client: bytes, code: Code, message: str, request_id: int = 0) -> None:
        self._fail(client, Failure(code, message, SEE), request_id)

    def _fail(self, client: bytes, failure: Failure, request_id: int = 0) -> None:
        connection = self._connections.get(client)
        if connection is not None and request_id in connection.open:
            request_id = 0  # what is open with this id goes on: it must not be taken for ended
        refusal = wire.Failed(request_id, [failure])
        if connection is not None:
            self.send(client, refusal)
        else:
            self._send_frames(client, [wire.encode(refusal)])

    # -- to clients ----------------------------------------------------------------------------

    def send(self, client: bytes, event: wire.Event) -> None:
        """Queue an event; nothing for a client that has gone."""
        connection = self._connections.get(client)
        if connection is None:
            return
        if type(event) in wire.ENDING:
            connection.open.pop(event.id, None)  # type: ignore[attr-defined] # each of these has one
        connection.outbox.append(event)
        if client not in self._dirty:
            self._dirty[client] = connection
            self._request_flush()

    def flush(self) -> None:
        """Send what waits, one message a client."""
        dirty, self._dirty = self._dirty, {}
        for client, connection in dirty.items():
            events = connection.outbox
            if connection.backlog:  # who reads late hears of what is, not of what was on the way to it
                events = [event for event in events if not _passing(event)]
            frames = [wire.encode(event) for event in events]
            connection.outbox.clear()
            if connection.backlog:
                self._hold(client, connection, frames)
            else:
                self._deliver(client, connection, frames)

    def tick(self) -> None:
        """Try again to reach clients that did not read."""
        for client, connection in list(self._connections.items()):
            if connection.backlog:
                frames = list(connection.backlog)
                connection.backlog.clear()
                connection.backlog_bytes = 0
                self._deliver(client, connection, frames)

    def _deliver(self, client: bytes, connection: Connection, frames: list[bytes]) -> None:
        match self._send_frames(client, frames):
            case Sent.GONE:
                self.gone(client)
            case Sent.FULL:
                self._hold(client, connection, frames)

    def _hold(self, client: bytes, connection: Connection, frames: list[bytes]) -> None:
        within = connection.backlog_bytes <= self._backlog_limit
        if connection.backlog_bytes > 2 * self._backlog_limit:
            self.gone(client)
            return
        connection.backlog.extend(frames)
        connection.backlog_bytes += sum(map(len, frames))
        self._clock.wake_at(self._clock.now() + RESEND_INTERVAL)
        if within and connection.backlog_bytes > self._backlog_limit:
            slow = Failure(
                Code.CLIENT_TOO_SLOW,
                f"the client let more than {self._backlog_limit} bytes wait",
                "read faster, or ask for less at once",
                retryable=True,
            )
            self.operations.client_gone(client, slow)


def _passing(event: wire.Event) -> bool:
    """Whether an event means nothing once the next of its kind is there, and that one will come."""
    return isinstance(event, wire.Reading) and event.done < event.total
