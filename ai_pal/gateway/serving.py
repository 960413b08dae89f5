"""Runs the gateway: one process, one event loop, one listening socket."""

import asyncio
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ai_pal.gateway.admission import Policy
from ai_pal.gateway.app import application
from ai_pal.gateway.link import Link

BACKLOG = 2048
GRACE = 3.0
"""Seconds that open answers have to end by themselves when the gateway is told to."""
AFTER = 3
"""Seconds in which those that did not are told so."""


class Server(uvicorn.Server):
    """Leaves the supervisor a while after it was told to end: each open answer then says how it ended."""

    def __init__(self, config: uvicorn.Config, link: Link) -> None:
        super().__init__(config)
        self._link = link

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal. It comes between two steps of the loop, on its thread."""
        super().handle_exit(sig, frame)
        asyncio.get_running_loop().call_later(GRACE, self._link.close)


def serve(listening: socket.socket, endpoint: Callable[[bool], str], policy: Policy) -> None:
    """Answer on this socket until SIGINT or SIGTERM ends it. On the main thread."""
    local = listening.family == socket.AF_UNIX
    link = Link(endpoint)
    config = uvicorn.Config(
        application(link, policy, local_socket=local),
        http=HttpToolsProtocol,
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
    Server(config, link).run([listening])
