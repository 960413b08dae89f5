"""One connection to a supervisor's client endpoint: a DEALER that notices when the other side is gone."""

import contextlib
import itertools
import os
from pathlib import Path

import msgspec
import zmq

from ai_pal import __version__
from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.protocol import client as wire
from ai_pal.transport.run_files import holder
from ai_pal.transport.sockets import configure

PROVIDERS_TIMEOUT = 60.0
"""Seconds for what others are asked for: a process is started, SDKs are imported, servers have 5 s each."""

UNREACHABLE = Failure(
    Code.SUPERVISOR_UNREACHABLE,
    "no supervisor answers",
    "start one with `ai-pal supervise`, or look with `ai-pal doctor`",
    retryable=True,
)


def silent(endpoint: str) -> Failure:
    """Somebody is there, but says nothing in time."""
    folder = Path(endpoint.removeprefix("ipc://")).parent
    pid = holder(folder)
    return Failure(
        Code.SUPERVISOR_SILENT,
        f"the supervisor{f' (pid {pid})' if pid else ''} is there but does not answer",
        "it may be stopped or overloaded: wait, or end it with `kill -CONT PID; kill PID`, then ask again",
        retryable=True,
    )


LOST = Failure(Code.SUPERVISOR_LOST, "the supervisor is gone", "ask again", retryable=True)
OTHER_PROTOCOL = Failure(
    Code.PROTOCOL_MISMATCH,
    "the supervisor that runs speaks another protocol",
    "stop it with `ai-pal stop` and start this version",
)

NEVER = 2**31 - 1
"""Milliseconds until a reconnect: a new supervisor knows nothing of what was asked of the old one.
-1 would say never too, but then libzmq throws away what came last and has not been read yet."""

SILENCE = 10.0
"""Seconds without a word after which a supervisor is asked whether it still runs (a stopped process keeps
its connections); after as many more it is given up. A busy one answers, so a slow model is waited for."""

_numbers = itertools.count()  # an address is free again only some time after its socket is closed


class Connection:
    """Sockets and framing, without a policy on waiting. `socket` and `monitor` can be polled."""

    def __init__(self, endpoint: str, context: "zmq.Context[zmq.Socket[bytes]] | None" = None) -> None:
        self.endpoint = endpoint
        self.context = context or zmq.Context.instance()
        self.socket = self.context.socket(zmq.DEALER)
        configure(self.socket)
        self.socket.reconnect_ivl = NEVER
        self.monitor = self.socket.get_monitor_socket(
            zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED, f"inproc://monitor-{next(_numbers)}"
        )
        self.socket.connect(endpoint)
        self.send(wire.Hello(wire.PROTOCOL, __version__, f"pid {os.getpid()}"))

    def send(self, request: wire.Request) -> None:
        """Hand a request to the socket. Raises `AiPalError`: `frame_too_large`, `bad_request` for what
        no frame can hold, or `supervisor_lost` when the socket is stuck."""
        try:
            frame = wire.encode(request)
        except (OverflowError, UnicodeEncodeError) as error:
            what = "a text is not UTF-8" if isinstance(error, UnicodeError) else "a number is too large"
            fail(Code.BAD_REQUEST, f"the request cannot be sent: {what}", "correct the request")
        if len(frame) > wire.MAX_FRAME:
            message = f"the request has {len(frame)} bytes, more than the {wire.MAX_FRAME} that are allowed"
            fail(Code.FRAME_TOO_LARGE, message, "send less text")
        try:
            self.socket.send(frame, zmq.DONTWAIT)
        except zmq.Again:
            raise AiPalError(LOST) from None

    def receive(self) -> list[wire.AnyEvent]:
        """The events of one message that is there already."""
        frames = self.socket.recv_multipart(zmq.DONTWAIT)
        return [event for frame in frames if (event := _decode(frame)) is not None]

    @property
    def lost(self) -> bool:
        """Whether it is closed, by us or by the other side."""
        return self.socket.closed or bool(self.monitor.poll(0))

    def close(self) -> None:
        """Say goodbye and drop the sockets."""
        if self.socket.closed:
            return
        with contextlib.suppress(AiPalError, zmq.ZMQError):
            self.send(wire.Goodbye())
        self.socket.disable_monitor()
        self.monitor.close(0)
        self.socket.close(100)


def _decode(frame: bytes) -> wire.AnyEvent | None:
    """An event; None for a kind that only a newer supervisor knows."""
    try:
        event: wire.AnyEvent = wire.decode_event(frame)
        return event
    except msgspec.ValidationError:
        return None
