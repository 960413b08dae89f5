"""Carries workers' messages between their agents and the supervisor, without looking into them.

On the side of the network there is one CURVE port. Who comes in there is known by its key alone: what it
calls itself is never asked. On the other side each worker has a connection of its own to the supervisor,
under its own name, and is a worker like any other there.
"""

from collections.abc import Callable, Sequence

import zmq

from ai_pal.cluster.frames import BEAT, MESSAGE, WORKER
from ai_pal.transport import curve
from ai_pal.transport.allow_list import AllowList, name_on
from ai_pal.transport.listening import await_listener
from ai_pal.transport.outlet import Outlet
from ai_pal.transport.reader import SocketReader
from ai_pal.transport.sockets import Blob, configure, receive_frames, send_frames

SEND_LIMIT = 16
LINGER_MS = 1000
CONNECT_SECONDS = 2.0

OnMessage = Callable[[str, bytes], None]
OnHeard = Callable[[str], None]


class Relay:
    """`message(worker, frame)` is called for what an agent has to say itself, `heard(worker)` for everything
    that comes from one. Agents are told to connect to `advertise`, or to where it listens."""

    def __init__(
        self, listen: str, supervisor: str, message: OnMessage, heard: OnHeard, advertise: str = ""
    ) -> None:
        self._supervisor, self._message, self._heard = supervisor, message, heard
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._context.set(zmq.MAX_SOCKETS, self._context.get(zmq.SOCKET_LIMIT))  # each worker has one
        self._allowed = AllowList(self._context)
        keys = curve.fresh_keys()
        self.public = keys.public
        self._front = self._context.socket(zmq.ROUTER)
        configure(self._front)
        self._front.sndhwm = self._front.rcvhwm = SEND_LIMIT
        self._front.router_mandatory = True
        curve.as_server(self._front, keys)
        self._front.bind(listen)
        self.address = advertise or self._front.get_string(zmq.LAST_ENDPOINT)
        self._links: dict[str, _Link] = {}
        self._full: set[str] = set()
        self._waiting: set[_Link] = set()
        self._reader = SocketReader(self._front, self._take, self._moved)
        self.strangers = 0

    @property
    def refused(self) -> int:
        """How many connections were not let in; `strangers` counts messages that were not taken."""
        return self._allowed.refused

    @property
    def paused(self) -> bool:
        """Whether nothing is read for now, because the supervisor takes nothing."""
        return bool(self._full)

    def admit(self, worker: str, key: str) -> None:
        """From now on the owner of this key comes in as this worker's agent."""
        self._links[worker] = _Link(self._context, worker, self._supervisor, self._down, self._hold)
        self._allowed.add(key, worker)

    def forget(self, worker: str) -> None:
        """From now on nothing is taken from it or brought to it; what it has sent still arrives."""
        self._allowed.remove(worker)
        self._hold(worker, paused=False)
        link = self._links.pop(worker, None)
        if link is not None:
            self._waiting.discard(link)
            link.close()

    def connected(self, worker: str) -> bool:
        """Whether its agent has been heard of."""
        return worker in self._links and self._links[worker].route is not None

    def tell(self, worker: str, message: bytes) -> bool:
        """Bring this to its agent. False: it is not there, or takes nothing now."""
        return self._to_agent(worker, [MESSAGE, message])

    def beat(self, worker: str) -> None:
        """A sign of life for its agent."""
        self._to_agent(worker, [BEAT])

    def flush(self) -> None:
        """Try again what was not taken, in either direction; to be called every now and then."""
        for link in list(self._links.values()):
            link.up.flush()
            link.down.flush()

    def close(self) -> None:
        """Let go of everything, at once: nobody waits for what is still to be sent."""
        for worker in list(self._links):
            self.forget(worker)
        self._reader.close()
        self._allowed.close()
        self._context.destroy(0)

    def _to_agent(self, worker: str, frames: Sequence[Blob]) -> bool:
        link = self._links.get(worker)
        return link is not None and link.route is not None and self._send(link.route, frames) is True

    def _down(self, link: "_Link", frames: Sequence[Blob]) -> bool:
        """A message of the supervisor's to a worker. False: its agent takes nothing now."""
        taken = link.route is None or self._send(link.route, [WORKER, *frames]) is not False
        if not taken:
            self._waiting.add(link)
        return taken

    def _send(self, route: bytes, frames: Sequence[Blob]) -> bool | None:
        """None: there is nobody any more."""
        try:
            send_frames(self._front, [route, *frames])
        except zmq.Again:
            self._reader.look_if_more()
            return False
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            self._reader.look()
            return None
        self._reader.look()
        return True

    def _take(self) -> int:
        route, *frames = receive_frames(self._front)
        worker = name_on(frames[0]) if frames else ""
        link = self._links.get(worker)
        if link is None or link.route not in (None, route.bytes):
            self.strangers += 1
            return 0
        link.route = route.bytes
        self._heard(worker)
        kind, rest = frames[0].bytes, frames[1:]
        if kind == WORKER and rest:
            link.up.put(rest)
        elif kind == MESSAGE and rest:
            self._message(worker, rest[0].bytes)
        return sum(map(len, frames))

    def _moved(self) -> None:
        """Try again those that were not taken; not all links, of which there may be thousands."""
        waiting, self._waiting = self._waiting, set()
        for link in waiting:
            link.down.flush()

    def _hold(self, worker: str, paused: bool) -> None:
        (self._full.add if paused else self._full.discard)(worker)
        if self._full:
            self._reader.pause()
        else:
            self._reader.resume()


class _Link:
    """One worker's connection to the supervisor; `route` is where its agent is, once that is known."""

    def __init__(
        self,
        context: "zmq.Context[zmq.Socket[bytes]]",
        worker: str,
        supervisor: str,
        bring: "Callable[[_Link, Sequence[Blob]], bool]",
        hold: Callable[[str, bool], None],
    ) -> None:
        self.route: bytes | None = None
        self._socket = context.socket(zmq.DEALER)
        configure(self._socket)
        self._socket.sndhwm = self._socket.rcvhwm = SEND_LIMIT
        self._socket.setsockopt(zmq.IDENTITY, worker.encode())
        self._socket.setsockopt(zmq.LINGER, LINGER_MS)
        self._socket.setsockopt(zmq.RECONNECT_IVL, -1)  # a supervisor that is gone does not come back
        await_listener(supervisor, CONNECT_SECONDS)
        self._socket.connect(supervisor)
        self.up = Outlet(self._send, lambda paused: hold(worker, paused))
        self._reader = SocketReader(self._socket, self._take, self.up.flush)
        self.down = Outlet(lambda frames: bring(self, frames), self._hold)

    def close(self) -> None:
        self._reader.close()
        self._socket.close()

    def _take(self) -> int:
        frames = receive_frames(self._socket)
        self.down.put(frames)
        return sum(map(len, frames))

    def _send(self, frames: Sequence[Blob]) -> bool:
        try:
            send_frames(self._socket, frames)
        except zmq.Again:
            self._reader.look_if_more()
            return False
        self._reader.look()
        return True

    def _hold(self, paused: bool) -> None:
        if paused:
            self._reader.pause()
        else:
            self._reader.resume()
