"""Runs the gateway: one process, one event loop, one listening socket."""

import asyncio
import gc
import ipaddress
import math
import os
import signal
import socket
import ssl
from collections.abc import Callable
from types import FrameType

import uvicorn

from ai_pal.config.http_settings import HttpSettings
from ai_pal.gateway.access.admission import Policy
from ai_pal.gateway.access.callers import Callers
from ai_pal.gateway.app import application
from ai_pal.gateway.link import Link
from ai_pal.gateway.openai.responses.kept import Kept
from ai_pal.gateway.page.page import Page
from ai_pal.gateway.routes import door_of
from ai_pal.gateway.wire.connections import Member, connections_in, crowd_of, sweep
from ai_pal.gateway.wire.crowd import Crowd
from ai_pal.gateway.wire.limits import limits_of
from ai_pal.transport.pulse import EVERY, beat

BACKLOG = 2048
GRACE = 3.0
"""Seconds that open answers have to end by themselves when the gateway is told to."""
AFTER = 3
"""Seconds in which those that did not are told so."""


class Server(uvicorn.Server):
    """Leaves the supervisor a while after it was told to end: each open answer then says how it ended. Its
    loop beats through `pulse`, where somebody watches it."""

    def __init__(self, config: uvicorn.Config, link: Link, crowd: Crowd[Member], pulse: int = -1) -> None:
        super().__init__(config)
        self._link, self._crowd, self._pulse, self._beat_at = link, crowd, pulse, 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal. It comes between two steps of the loop, on its thread."""
        super().handle_exit(sig, frame)
        asyncio.get_running_loop().call_later(GRACE, self._link.close)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        now = asyncio.get_running_loop().time()
        sweep(self._crowd, now)
        if self._pulse >= 0 and now >= self._beat_at:
            self._beat_at = now + EVERY
            beat(self._pulse)
        return await super().on_tick(counter)


def serve(
    listening: socket.socket,
    endpoint: Callable[[bool], str],
    policy: Policy,
    address: str,
    kept: Kept,
    page: Page,
    http: HttpSettings,
    processes: int = 1,
    pulse: int = -1,
) -> None:
    """Answer on this socket until SIGINT or SIGTERM ends it, one of so many processes. On the main thread.
    The `address` is the socket's, as clients write it; `pulse` is a descriptor."""
    if pulse >= 0:
        os.set_blocking(pulse, False)
    local = listening.family == socket.AF_UNIX
    link, limits = Link(endpoint, [address]), limits_of(http, processes)
    crowd = crowd_of(limits)
    callers = Callers(needed=not stays_here(listening))
    config = uvicorn.Config(
        application(link, policy, kept, page, callers, limits, local_socket=local),
        http=connections_in(crowd, limits, _tls(http), door_of),
        timeout_keep_alive=math.ceil(limits.idle_timeout),
        loop="asyncio",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=int(GRACE) + AFTER,
        proxy_headers=False,
    )
    # uvicorn sends itself again what has ended it; here that is an end like any other.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    gc.freeze()  # what is imported stays: looking through it would hold the loop for 20 ms now and then
    Server(config, link, crowd, pulse).run([listening])


def _tls(http: HttpSettings) -> ssl.SSLContext | None:
    if not http.certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(http.certificate, http.key)
    return context


def stays_here(listening: socket.socket) -> bool:
    """Whether only this machine can reach it."""
    if listening.family == socket.AF_UNIX:
        return True
    return ipaddress.ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback
