"""Connections that may not stay for nothing: what uvicorn leaves open without limits has them here."""

import asyncio
import resource
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from ssl import SSLContext
from typing import Any, Protocol

from ai_pal.gateway.wire.crowd import Crowd, Phase
from ai_pal.gateway.wire.framing import UnfitError
from ai_pal.gateway.wire.http1 import Strict, Tells
from ai_pal.gateway.wire.limits import Limits

_SENDING = 60.0
"""Seconds for what goes out, again and again while any of it goes."""

SPARE_FILES = 256
"""Descriptors besides those of connections."""

_FULL = UnfitError(503, "this server has as many open requests as it takes")
_LATER = ((b"retry-after", b"5"),)
_LATE = UnfitError(408, "the head of the request did not come in time")


class Member(Protocol):
    """Somebody in the crowd."""

    def settle(self) -> None:
        """Tell the crowd where it is."""

    def end(self) -> None:
        """Its time is over."""


def crowd_of(limits: Limits) -> Crowd[Member]:
    """No connections yet; for as many as this process may have descriptors for."""
    times = {
        Phase.SILENT: limits.head_timeout,
        Phase.SPENT: limits.head_timeout,
        Phase.IDLE: limits.idle_timeout,
        Phase.LEAVING: _SENDING,
    }
    return Crowd(min(limits.connections, _room(limits.connections)), times)


def _room(wanted: int) -> int:
    """How many connections there are descriptors for, twice; the limit is raised as far as it goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * wanted + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(8, (soft - SPARE_FILES) // 2)


class Connection(Strict):
    """Tells the crowd what it is at."""

    def __init__(self, *args: Any, crowd: Crowd[Member], **more: Any) -> None:
        super().__init__(*args, **more)
        self._crowd, self._unsent = crowd, 0
        self._stands_since: float | None = None
        self.handshake: Handshake | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._below = transport if self.handshake is None else self.handshake.done()
        for one in self._crowd.came(self, self.loop.time()):
            if one is self:
                self.refuse(_FULL, _LATER, linger=False)
            else:
                one.end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.left(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.settle()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.settle()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unsent, self._stands_since = self._below.get_write_buffer_size(), self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stands_since = None

    def end(self) -> None:
        """Its time is over. What still goes out goes on as long as it goes."""
        phase, left = self._crowd.phase_of(self), self._below.get_write_buffer_size()
        if phase is Phase.SILENT and self.worded:
            self.refuse(_LATE)
            self.settle()
        elif left and (left < self._unsent or phase is not Phase.LEAVING):
            self._unsent = left
            if not self.transport.is_closing():  # twice, and TLS forgets what it stands on
                self.transport.close()
            self._crowd.is_now(self, Phase.LEAVING, self.loop.time())
        else:
            self._crowd.left(self)
            self._below.abort()

    def settle(self) -> None:
        """Tell the crowd where it is."""
        now, before = self.loop.time(), self._crowd.phase_of(self)
        phase = self._at()
        if before is not None and phase is not before:
            self._crowd.is_now(self, phase, now)
        elif phase is Phase.ASKING and self._takes_nothing(now):
            self._below.abort()

    def _takes_nothing(self, now: float) -> bool:
        """Whether its client reads nothing of what it is told, also of answers before this one."""
        if self._stands_since is None or now < self._stands_since + _SENDING:
            return False
        before, self._unsent = self._unsent, self._below.get_write_buffer_size()
        self._stands_since = now
        return self._unsent == before

    def _at(self) -> Phase:
        if self.transport.is_closing():
            return Phase.LEAVING
        if self.cycle is not None and not self.cycle.response_complete:
            return Phase.ASKING
        if self.over or not self.in_head:
            return Phase.SPENT
        return Phase.SILENT if self.worded or self.cycle is None else Phase.IDLE


class Handshake(SSLProtocol):
    """TLS before a word is said: it is in the crowd as what is silent is, until it is done."""

    def __init__(self, connection: Connection, crowd: Crowd[Member], tls: SSLContext, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            loop,
            connection,
            tls,
            None,  # type: ignore[arg-type]  # nobody waits for it
            server_side=True,
            ssl_handshake_timeout=seconds,  # type: ignore[arg-type]  # a float as well
        )
        self._crowd, self._now = crowd, loop.time
        connection.handshake = self

    def connection_made(self, transport: Any) -> None:
        self._below = transport
        for one in self._crowd.came(self, self._now()):
            one.end()
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._crowd.left(self)
        super().connection_lost(exc)

    def done(self) -> Any:
        """From now on its connection is there for itself; gives what both stand on."""
        self._crowd.left(self)
        return self._below

    def settle(self) -> None:
        pass

    def end(self) -> None:
        self._crowd.left(self)
        self._below.abort()


def connections_in(
    crowd: Crowd[Member], limits: Limits, tls: SSLContext | None, told_by: Callable[[str], Tells]
) -> Any:
    """What uvicorn is to make for each connection. `told_by` says how a path's protocol tells errors."""

    def make(**how: Any) -> asyncio.BaseProtocol:
        connection = Connection(**how, crowd=crowd, most_head=limits.head, told_by=told_by)
        return connection if tls is None else Handshake(connection, crowd, tls, limits.head_timeout)

    return make


def sweep(crowd: Crowd[Member], now: float) -> None:
    """End those that have had their time."""
    for one in crowd.at(Phase.ASKING):
        one.settle()  # one whose client takes nothing is closed under its request, and nobody is told
    for one in crowd.overdue(now):
        one.end()
