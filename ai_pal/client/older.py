"""A supervisor that speaks an older protocol: stopped in its own words, which have not changed for that."""

import contextlib
from collections.abc import Iterator

import zmq

from ai_pal import __version__
from ai_pal.client.connection import decoded
from ai_pal.errors import Code, fail
from ai_pal.protocol import client as wire
from ai_pal.transport.sockets import configure

OLDER = 1
"""The protocol that one before this spoke."""

ANSWER_SECONDS = 10.0


def stop(
    endpoint: str, *, only_background: bool = False, only_if_idle: bool = False, gone_within: float = 0.0
) -> wire.Welcome:
    """Stop it, and say who it was; wait so many seconds until it is gone. Raises `AiPalError`
    (`protocol_mismatch`): it stays, or is none."""
    with _connected(endpoint) as socket:
        welcome = _answer(socket)
        if not isinstance(welcome, wire.Welcome):
            fail(Code.PROTOCOL_MISMATCH, "the supervisor that runs speaks an unknown protocol", HINT)
        who = f"the supervisor (pid {welcome.pid}) of version {welcome.version} speaks an older protocol"
        if only_background and not welcome.auto_started:
            fail(Code.PROTOCOL_MISMATCH, f"{who} and runs in the foreground", "restart it")
        monitor = socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        try:
            socket.send(wire.encode(wire.Stop(1, only_if_idle=only_if_idle)))
            if not isinstance(_answer(socket), wire.Stopping):
                hint = "ask again when it is done, or: ai-pal stop"
                fail(Code.PROTOCOL_MISMATCH, f"{who} and is busy", hint)
            monitor.poll(int(gone_within * 1000))
        finally:
            socket.disable_monitor()
            monitor.close(0)
        return welcome


HINT = "end it by its process id, which `ai-pal doctor` tells"


@contextlib.contextmanager
def _connected(endpoint: str) -> "Iterator[zmq.Socket[bytes]]":
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
    with socket:
        configure(socket)
        socket.connect(endpoint)
        socket.send(wire.encode(wire.Hello(OLDER, __version__)))
        yield socket


def _answer(socket: "zmq.Socket[bytes]") -> wire.AnyEvent | None:
    """Its next event that is known here, None where none comes in time."""
    while socket.poll(int(ANSWER_SECONDS * 1000)):
        for event in decoded(socket.recv_multipart()):
            return event
    return None
