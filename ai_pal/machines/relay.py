"""The far end of a link: what `ssh` starts there. Connects its pipes to the supervisor of that machine, which
it starts if none runs, and ends with the link or its lease."""

import os
import socket
import threading

from ai_pal import __version__
from ai_pal.client import Client
from ai_pal.client.daemon import connect, endpoint
from ai_pal.config import load_settings, paths
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.machines.frames import Frames, Kind, failed, frame, greeting
from ai_pal.machines.identity import own_identity
from ai_pal.machines.pump import Pump
from ai_pal.protocol.client import PROTOCOL
from ai_pal.transport.lease import LEASE

OK, REFUSED = 0, 1
SILENT = 2.0
"""Seconds that a supervisor which is there gets for its first word."""

LAST_WORDS = 5.0
"""Seconds that the near end gets to take in why there is nobody here."""


def relay(source: int, sink: int) -> int:
    """Carry until the link ends; returns the exit code. Never waits for what does not come: a silent link
    ends this process wherever it is."""
    over = threading.Event()
    pump = Pump(
        source, sink, Frames(greeted=True), LEASE, other=_nothing, silent=_leave, ended=over.set
    )  # fmt: skip
    try:
        identity = own_identity(paths.identity_file())
    except AiPalError as error:
        pump.put(failed(error.failure, greeted=False))
        return REFUSED
    try:
        pump.put(greeting(__version__, PROTOCOL, identity))
        pump.start()
        pump.watch()
        supervisor = _supervisor()
    except AiPalError as error:
        return _refuse(pump, error.failure, over)
    pump.put(frame(Kind.READY))
    pump.join(supervisor)
    over.wait()
    return OK


def _supervisor() -> socket.socket:
    """A plain connection to the supervisor, which sees this process at its end."""
    _refuse_silent()
    with connect(load_settings().settings):  # stays until the plain one is there: nobody is idle between
        plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        plain.connect(endpoint().removeprefix("ipc://"))
        return plain


def _refuse_silent() -> None:
    """One that is there and says nothing is told while the near end still waits. Raises `AiPalError`."""
    try:
        Client(endpoint(), timeout=SILENT).close()
    except AiPalError as error:
        if error.code == Code.SUPERVISOR_SILENT:
            raise


def _refuse(pump: Pump, why: Failure, over: threading.Event) -> int:
    pump.put(failed(why))
    over.wait(LAST_WORDS)
    return REFUSED


def _leave() -> None:
    os._exit(OK)


def _nothing(kind: Kind, payload: bytes) -> None:
    """The near end says nothing but data."""
