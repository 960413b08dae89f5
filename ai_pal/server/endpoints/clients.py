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
from ai_pal.protocol.frames import frames_behind
from ai_pal.protocol.requests import SEE, id_of, id_within, objection, unreadable
from ai_pal.server.endpoints.incoming import Incoming, messages_of
from ai_pal.server.endpoints.shared_options import SharedOptions
from ai_pal.server.ports import Clock
from ai_pal.server.services.activity import Activity, Standing
from ai_pal.server.services.base import Service
from ai_pal.server.services.operations import Operations
from ai_pal.server.services.status import Identity
from ai_pal.transport.channel import Sent, bytes_of
from ai_pal.transport.peer import Peer
from ai_pal.transport.sockets import Blob

BACKLOG_LIMIT = 4 * 1024 * 1024
"""Bytes that may wait for a client that does not read; then its requests are interrupted, and at
twice as much it is forgotten."""

RESEND_INTERVAL = 0.02
"""Seconds between two tries to reach a client that does not read."""

SendFrames = Callable[[bytes, Sequence[bytes]], Sent]


CLIENT_ATTACHMENTS, ALL_ATTACHMENTS = 256 * 1024 * 1024, 512 * 1024 * 1024
"""Bytes that the attachments of one client's open requests may have, and those of all clients."""

FEATURES = ("reading", "frames", wire.FINGERPRINT)
"""What this supervisor can do beyond the operations, which are features by their names."""


BEHIND = "it came behind a message that cannot be read, and may belong to that"

NOTHING = Incoming()
"""What most requests have attached."""

NO_BLOBS: list[Blob] = []
"""The frames of these, one list for all."""


class Open(msgspec.Struct, frozen=True):
    """An open request: who carries it out, how it stands for those who look on, and the frames that came with
    it. However many hold the list, with the end of the request it is empty."""

    service: Service
    standing: Standing | None = None
    blobs: list[Blob] = msgspec.field(default_factory=list)
    attached: int = 0


class Connection(msgspec.Struct, eq=False):
    """One client: its open requests by their ids; what waits to be encoded, and what libzmq would not take
    yet. `address` is where it is, the same bytes for all that keep it."""

    address: bytes = b""
    greeted: bool = False
    open: dict[int, Open] = msgspec.field(default_factory=dict)
    program: str = ""
    pid: int = 0
    outbox: list[wire.Event] = msgspec.field(default_factory=list)
    backlog: deque[bytes] = msgspec.field(default_factory=deque)
    backlog_bytes: int = 0

    @property
    def attached(self) -> int:
        """Bytes of the attachments of its open requests."""
        return sum(opened.attached for opened in self.open.values())

    @property
    def wanted(self) -> int:
        """Open requests for which a supervisor stays."""
        return sum(opened.service.busy for opened in self.open.values())


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
        activity: Activity,
        backlog_limit: int = BACKLOG_LIMIT,
        greeted: Callable[[bytes, Peer | None], None] = lambda client, peer: None,
        left: Callable[[bytes], None] = lambda client: None,
    ) -> None:
        self.identity, self._clock = identity, clock
        self._send_frames, self._request_flush = send_frames, request_flush
        self._greeted, self._left = greeted, left
        self._activity, self._backlog_limit = activity, backlog_limit
        self._connections: dict[bytes, Connection] = {}
        self._dirty: dict[bytes, Connection] = {}
        self._incoming: dict[bytes, Incoming] = {}
        self._options = SharedOptions()

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def open_requests(self) -> int:
        """How many requests of all clients are open for which a supervisor stays."""
        return sum(connection.wanted for connection in self._connections.values())

    @property
    def used(self) -> bool:
        """Whether there is a client that does more than look on."""
        return any(one.wanted or not one.open for one in self._connections.values())

    def unread(self, client: bytes) -> int:
        """Bytes that wait because this client does not read."""
        connection = self._connections.get(client)
        return 0 if connection is None else connection.backlog_bytes

    # -- from clients --------------------------------------------------------------------------

    def received(self, client: bytes, frames: Sequence[Blob], peer: Peer | None, more: bool = False) -> None:
        """Take one message, or a part of it where `more` follows: each frame is one request, and behind one
        whose parts refer to frames all that come are its attachments."""
        if peer is not None and peer.uid != self.identity.uid:
            self._refuse(client, Code.NOT_OWNER, "this supervisor belongs to another user")
            return
        for frame in frames:
            incoming = self._incoming.get(client)
            if incoming is None:
                self._take(client, frame, peer)
            elif incoming.request is None:
                request_id = id_within(bytes_of(frame)) if len(frame) <= wire.MAX_FRAME else 0
                self._refuse(client, Code.BAD_REQUEST, BEHIND, request_id)
            else:
                incoming.take(frame)
        if not more and (whole := self._incoming.pop(client, None)) is not None and whole.request is not None:
            self._heed(client, whole.request, peer, whole)

    def gone(self, client: bytes) -> None:
        """The client's process ended or its socket is closed."""
        connection = self._connections.pop(client, None)
        if connection is not None:
            self._dirty.pop(client, None)
            self._left(client)
            self.operations.client_gone(client)
            for opened in connection.open.values():
                opened.blobs.clear()
                if opened.standing is not None:
                    self._activity.left(opened.standing)

    def _take(self, client: bytes, frame: Blob, peer: Peer | None) -> None:
        if len(frame) > wire.MAX_FRAME:
            message = f"a frame of {len(frame)} bytes is over the limit of {wire.MAX_FRAME}"
            self._unread(client, Failure(Code.FRAME_TOO_LARGE, message, SEE))
            return
        octets = bytes_of(frame)
        try:
            request = self._options.of(wire.decode_request(octets))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            self._unread(client, unreadable(octets, error), id_within(octets))
            return
        if frames_behind(messages_of(request)):
            self._incoming[client] = Incoming(request)
        else:
            self._heed(client, request, peer)

    def _unread(self, client: bytes, failure: Failure, request_id: int = 0) -> None:
        """What comes behind it in the same message may be its attachments: none of that is obeyed."""
        self._incoming[client] = Incoming()
        self._fail(client, failure, request_id)

    def _heed(
        self, client: bytes, request: wire.AnyRequest, peer: Peer | None, attached: Incoming = NOTHING
    ) -> None:
        connection = self._connections.get(client)
        if isinstance(request, wire.Hello):
            self._hello(client, request, peer)
        elif connection is None or not connection.greeted:
            self._refuse(client, Code.HELLO_REQUIRED, "say hello first", id_of(request))
        elif isinstance(request, wire.Goodbye):
            self.gone(client)
        elif isinstance(request, wire.Cancel):
            if opened := connection.open.get(request.id):
                opened.service.cancel(client, request.id)
        else:
            self._begin(connection.address, connection, request, attached)

    def _begin(
        self, client: bytes, connection: Connection, request: wire.AnyRequest, attached: Incoming
    ) -> None:
        """Hand a request to the service that carries it out, unless there is something against it."""
        request_id, service = id_of(request), self.operations.of(request)
        if request_id in connection.open:
            self._refuse(client, Code.DUPLICATE_ID, f"request id {request_id} is still open")
        elif why := objection(request):
            self._fail(client, why, max(0, request_id))
        elif service is None:
            self._refuse(client, Code.UNKNOWN_MESSAGE, "this supervisor does not do that", request_id)
        elif failure := attached.objection() or self._no_room(connection, attached):
            self.send(client, wire.Failed(request_id, [failure]))
        else:
            standing = self._activity.asked(client, request, connection.program, connection.pid)
            blobs = list(attached.blobs) if attached.blobs else NO_BLOBS
            opened = Open(service, standing, blobs, attached.size)
            connection.open[request_id] = opened
            service.start(client, request, opened.blobs)

    def _no_room(self, connection: Connection, attached: Incoming) -> Failure | None:
        """Why there is no room for more attachments: this client, or all together, have too many open."""
        if not attached.size:
            return None
        all_open = sum(other.attached for other in self._connections.values())
        for held, limit, whose in (
            (connection.attached, CLIENT_ATTACHMENTS, "this client's open requests"),
            (all_open, ALL_ATTACHMENTS, "the open requests of all clients"),
        ):
            if held + attached.size > limit:
                message = f"attachments of {whose} have {held:,} bytes, {attached.size:,} more are too many"
                hint = "ask again when some have ended"
                return Failure(Code.OVERLOADED, message, hint, retryable=True, retry_after=1.0)
        return None

    def _hello(self, client: bytes, hello: wire.Hello, peer: Peer | None) -> None:
        if hello.protocol != wire.PROTOCOL:
            message = f"protocol {hello.protocol} is not spoken here, only {wire.PROTOCOL}"
            hint = f"use the AI-PAL that this supervisor is of (version {self.identity.version}), or stop it"
            self._fail(client, Failure(Code.PROTOCOL_MISMATCH, message, hint))
            return
        connection = self._connections.setdefault(client, Connection(client))
        connection.greeted, connection.program = True, hello.client
        connection.pid = peer.pid if peer is not None else 0
        me = self.identity
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
        if type(event) is not wire.ForwardedDelta:  # most are
            self._note(connection, event)
        connection.outbox.append(event)
        if client not in self._dirty:
            self._dirty[client] = connection
            self._request_flush()

    def _note(self, connection: Connection, event: wire.Event) -> None:
        """What an event means for the request that it is of."""
        request_id: int = getattr(event, "id", 0)
        opened = connection.open.get(request_id)
        if opened is None:
            return
        if type(event) in wire.ENDING:
            del connection.open[request_id]
            opened.blobs.clear()
        if opened.standing is not None:
            self._activity.told(opened.standing, event)

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
