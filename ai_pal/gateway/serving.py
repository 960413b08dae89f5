"""Runs the gateway: one process, one event loop, one listening socket."""

import socket
from collections.abc import Callable

import uvicorn

from ai_pal.gateway.admission import Policy
from ai_pal.gateway.app import application
from ai_pal.gateway.link import Link

BACKLOG = 2048
GRACE = 5
"""Seconds that open answers have to end when the gateway is told to."""


def serve(listening: socket.socket, endpoint: Callable[[], str], policy: Policy) -> None:
    """Answer on this socket until a signal ends it."""
    local = listening.family == socket.AF_UNIX
    app = application(Link(endpoint), policy, local_socket=local)
    config = uvicorn.Config(
        app,
        http="httptools",
        loop="asyncio",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE,
        proxy_headers=False,
    )
    uvicorn.Server(config).run([listening])
