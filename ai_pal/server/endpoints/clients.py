"""The client endpoint: client connections, from frames to requests and from events to frames.

Sans-IO like the supervisor behind it. Malformed, unknown and oversized messages are answered, never
met with silence.
"""

from collections.abc import Callable, Sequence

import msgspec

from ai_pal.config.fingerprint import digest
from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.frames import frames_behind
from ai_pal.protocol.requests import SEE, id_of, id_within, objection, unreadable
from ai_pal.server.endpoints.connections import Connection, Open, no_room
from ai_pal.server.endpoints.incoming import Incoming, messages_of
from ai_pal.server.endpoints.outgoing import BACKLOG_LIMIT, Delivery, SendFrames
from ai_pal.server.endpoints.shared_options import SharedOptions
from ai_pal.server.ports import Clock
from ai_pal.server.services.activity import NAME, Activity, place_of
from ai_pal.server.services.operations import Operations
from ai_pal.server.services.status import Identity
from ai_pal.transport.channel import bytes_of
from ai_pal.transport.peer import Peer
from ai_pal.transport.sockets import Blob

LARGE = 64 * 1024
"""Bytes of a request's own frame from which on it counts."""

MOST_ADDRESSES, MOST_OF_ADDRESS = 8, 200
"""Of what one client says that it serves: addresses, and characters of each."""

FEATURES = ("reading", "frames", wire.FINGERPRINT)
"""What this supervisor can do beyond the operations, which are features by their names."""

BEHIND = "it came behind a message that cannot be read, and may belong to that"

NOTHING = Incoming()
"""What most requests have attached."""

NO_BLOBS: list[Blob] = []
"""The frames of these, one list for all."""


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
        self._request_flush, self._activity = request_flush, activity
        self._greeted, self._left = greeted, left
        self._delivery = Delivery(send_frames, clock, backlog_limit, gone=self.gone, too_slow=self._interrupt)
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

    @property
    def gateways(self) -> list[wire.Gateway]:
        """Clients that answer others, each with the addresses that it says."""
        said = (
            wire.Gateway(address, one.pid) for one in self._connections.values() for address in one.serves
        )
        return sorted(said, key=lambda gateway: (gateway.address, gateway.pid))

    def unread(self, client: bytes) -> int:
        """Bytes that wait because this client does not read."""
        connection = self._connections.get(client)
        return 0 if connection is None else connection.outbox.backlog_bytes

    def call_off(self, by: bytes, key: str) -> bool:
        """Have the request of this key stopped, whoever asked it, for another client; it hears who that was.
        False: no such request is open."""
        client, request_id = place_of(key)
        connection = self._connections.get(client)
        opened = None if connection is None else connection.open.get(request_id)
        if opened is None or opened.standing is None:
            return False
        other = self._connections.get(by, Connection())
        who = f"{other.program[:NAME] or 'another program'}{f' (pid {other.pid})' if other.pid else ''}"
        reason = Failure(Code.CANCELLED, f"{who} stopped this request", "ask again if it was not meant")
        return opened.service.cancel(client, request_id, reason)

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
            self._handle(client, whole.request, peer, whole)

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
        own = len(octets) if len(octets) >= LARGE else 0
        if frames_behind(messages_of(request)):
            self._incoming[client] = Incoming(request, own=own)
        else:
            self._handle(client, request, peer, Incoming(request, own=own) if own else NOTHING)

    def _unread(self, client: bytes, failure: Failure, request_id: int = 0) -> None:
        """What comes behind it in the same message may be its attachments: none of that is obeyed."""
        self._incoming[client] = Incoming()
        self._fail(client, failure, request_id)

    def _handle(
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
        elif attached is not NOTHING and (failure := self._objection_to(attached, connection)):
            self.send(client, wire.Failed(request_id, [failure]))
        else:
            standing = self._activity.asked(client, request, connection.program, connection.pid)
            blobs = list(attached.blobs) if attached.blobs else NO_BLOBS
            opened = Open(service, standing, blobs, attached.held)
            connection.open[request_id] = opened
            service.start(client, request, opened.blobs)

    def _objection_to(self, attached: Incoming, connection: Connection) -> Failure | None:
        return attached.objection() or no_room(attached.held, connection, self._connections.values())

    def _hello(self, client: bytes, hello: wire.Hello, peer: Peer | None) -> None:
        if hello.protocol != wire.PROTOCOL:
            message = f"protocol {hello.protocol} is not spoken here, only {wire.PROTOCOL}"
            hint = f"use the AI-PAL that this supervisor is of (version {self.identity.version}), or stop it"
            self._fail(client, Failure(Code.PROTOCOL_MISMATCH, message, hint))
            return
        connection = self._connections.setdefault(client, Connection(client))
        connection.greeted, connection.program = True, hello.client
        connection.pid = peer.pid if peer is not None else 0
        connection.serves = tuple(address[:MOST_OF_ADDRESS] for address in hello.serves[:MOST_ADDRESSES])
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
            self._delivery.at_once(client, refusal)

    # -- to clients ----------------------------------------------------------------------------

    def send(self, client: bytes, event: wire.Event) -> None:
        """Queue an event; nothing for a client that has gone."""
        connection = self._connections.get(client)
        if connection is None:
            return
        if type(event) is not wire.ForwardedDelta:  # most are
            self._note(connection, event)
        connection.outbox.events.append(event)
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
        """Send what waits, one message a client; and what others hear because one of them has gone."""
        while self._dirty:
            dirty, self._dirty = self._dirty, {}
            for client, connection in dirty.items():
                self._delivery.send(client, connection.outbox)

    def tick(self) -> None:
        """Try again to reach clients that did not read."""
        for client, connection in list(self._connections.items()):
            self._delivery.again(client, connection.outbox)

    def _interrupt(self, client: bytes, why: Failure) -> None:
        self.operations.client_gone(client, why)
