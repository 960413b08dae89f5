"""One connection to a supervisor's client endpoint: a DEALER that notices when the other side is gone."""

import contextlib
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import zmq

from ai_pal import __version__
from ai_pal.client.attachments import Blob, detached
from ai_pal.client.core import CLOSED, LOST
from ai_pal.client.program import program
from ai_pal.errors import AiPalError, Code, fail
from ai_pal.protocol import client as wire
from ai_pal.transport.sockets import configure, receive_frames

NEVER = 2**31 - 1
"""Milliseconds until a reconnect: a new supervisor knows nothing of what was asked of the old one.
-1 would say never too, but then libzmq throws away what came last and has not been read yet."""

_numbers = itertools.count()  # an address is free again only some time after its socket is closed


class Connection:
    """Sockets and framing, without a policy on waiting. `socket` and `monitor` can be polled."""

    def __init__(
        self,
        endpoint: str,
        context: "zmq.Context[zmq.Socket[bytes]] | None" = None,
        serves: Sequence[str] = (),
    ) -> None:
        self.context = context or zmq.Context.instance()
        self.socket = self.context.socket(zmq.DEALER)
        configure(self.socket)
        self.socket.reconnect_ivl = NEVER
        self.monitor = self.socket.get_monitor_socket(
            zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED, f"inproc://monitor-{next(_numbers)}"
        )
        self.socket.connect(endpoint)
        self.send(wire.Hello(wire.PROTOCOL, __version__, program(), list(serves)))

    def send(self, request: wire.Request) -> None:
        """Hand a request to the socket. Raises as `encoded` and `send_frames`."""
        self.send_frames(encoded(request))

    def send_frames(self, frames: "Frames") -> None:
        """Hand these to the socket; large attachments are not copied. Raises `AiPalError`: `client_closed`,
        and `supervisor_lost` when the socket is stuck."""
        if self.closed:
            raise AiPalError(CLOSED)
        frame, blobs = frames
        try:
            if blobs:
                self.socket.send_multipart([frame, *blobs], zmq.DONTWAIT, copy=False)
            else:
                self.socket.send(frame, zmq.DONTWAIT)
        except zmq.Again:
            raise AiPalError(LOST) from None

    def receive(self) -> list[wire.AnyEvent]:
        """The events of one message that is there already."""
        return decoded(self.frames())

    def frames(self) -> list[bytes]:
        """One message that is there already, as it came."""
        return [frame.bytes for frame in receive_frames(self.socket)]

    @property
    def closed(self) -> bool:
        """Whether we have closed it."""
        return bool(self.socket.closed)

    @property
    def broken(self) -> bool:
        """Whether it is closed, by us or by the other side."""
        return self.closed or bool(self.monitor.poll(0))

    def close(self) -> None:
        """Say goodbye and drop the sockets."""
        if self.closed:
            return
        with contextlib.suppress(AiPalError, zmq.ZMQError):
            self.send(wire.Goodbye())
        self.socket.disable_monitor()
        self.monitor.close(0)
        self.socket.close(100)


class Frames(NamedTuple):
    """A request as it is sent, its large attachments in frames of their own."""

    frame: bytes
    blobs: list[Blob]


def encoded(request: wire.Request) -> Frames:
    """The frames of a request. Raises `AiPalError`: `frame_too_large`, and `bad_request` for what no frame
    can hold. Pure."""
    request, blobs = detached(request)
    try:
        frame = wire.encode(request)
    except (OverflowError, UnicodeEncodeError, TypeError) as error:
        what = "a text is not UTF-8" if isinstance(error, UnicodeError) else "a number is too large"
        what = str(error) if isinstance(error, TypeError) else what
        fail(Code.BAD_REQUEST, f"the request cannot be sent: {what}", "correct the request")
    if len(frame) > wire.MAX_FRAME:
        message = f"the request has {len(frame)} bytes, more than the {wire.MAX_FRAME} that are allowed"
        fail(Code.FRAME_TOO_LARGE, message, "send less text")
    return Frames(frame, blobs)


def decoded(frames: Sequence[bytes]) -> list[wire.AnyEvent]:
    """The events of a message, without those that only a newer supervisor knows."""
    return [event for frame in frames if (event := _decode(frame)) is not None]


def _decode(frame: bytes) -> wire.AnyEvent | None:
    try:
        event: wire.AnyEvent = wire.decode_event(frame)
        return event
    except msgspec.ValidationError:
        return None
