"""Connections of a real server whose clients do not read."""

import socket
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest
import uvicorn

from ai_pal.config.http_settings import HttpSettings
from ai_pal.gateway.link import Link
from ai_pal.gateway.routes import door_of
from ai_pal.gateway.serving import Server
from ai_pal.gateway.wire import connections
from ai_pal.gateway.wire.connections import Member, connections_in, crowd_of
from ai_pal.gateway.wire.crowd import Crowd
from ai_pal.gateway.wire.limits import limits_of
from tests.process.eventually import allowed, eventually

GET = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"
BODY = b"x" * (16 << 20)
"""More than both sides' sockets hold."""


async def large(scope: Any, receive: Any, send: Any) -> None:
    head = [(b"content-length", b"%d" % len(BODY))]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": BODY})


class Served:
    """Where it listens, and who is there."""

    def __init__(self) -> None:
        limits = limits_of(HttpSettings())
        self.crowd: Crowd[Member] = crowd_of(limits)
        self.socket = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            large,
            http=connections_in(self.crowd, limits, None, door_of),
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        self.server = Server(config, cast("Link", None), self.crowd)

    def connect(self) -> socket.socket:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(60)
        connection.connect(self.socket.getsockname())
        return connection


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(connections, "_SENDING", 0.5)
    found = Served()
    thread = threading.Thread(target=found.server.run, args=([found.socket],))
    thread.start()
    yield found
    found.server.should_exit = True
    thread.join()


@pytest.mark.parametrize("requests", [2, 5])
def test_who_reads_nothing_is_let_go_of_however_much_it_has_asked(served: Served, requests: int) -> None:
    with served.connect() as connection:
        connection.sendall(GET * requests)
        eventually(lambda: len(served.crowd) == 1)
        eventually(lambda: len(served.crowd) == 0, within=allowed(10.0))


def test_who_reads_slowly_gets_all_of_it(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(GET * 2)
        found = 0
        while found < 2 * len(BODY):
            piece = connection.recv(1 << 16)
            assert piece
            found += len(piece)
