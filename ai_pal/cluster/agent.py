"""The agent: beside each worker on its node. It has the worker launched and watched, passes its messages on,
and ends it: when it is told to, or when its lease is over because the cluster process is silent.

`python -P -m ai_pal.cluster.agent` takes its ticket as a line on stdin and writes its public key to stdout;
an engine that runs Python on nodes calls `serve`. The secret key never leaves this process.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence

import msgspec
import zmq

from ai_pal import __version__
from ai_pal.cluster import agent_folder, leases
from ai_pal.cluster.agent_worker import AgentWorker
from ai_pal.cluster.frames import BEAT, MESSAGE, WORKER
from ai_pal.protocol import cluster as wire
from ai_pal.transport import curve, lease
from ai_pal.transport.outlet import Outlet
from ai_pal.transport.peer import peer_of
from ai_pal.transport.reader import SocketReader
from ai_pal.transport.sockets import Blob, configure, receive_frames, send_frames

KEY = "ai-pal-agent "
"""How the line on stdout begins that holds the public key: login shells write there too."""

WELCOME_SECONDS = 10.0
"""Until an agent that nobody welcomes gives up."""

KILL_SECONDS = 2.0
"""What the end of a killed worker may take to be seen."""

SEND_LIMIT = 16
LINGER_MS = 1000


class Agent:
    """Everything here runs on one loop, on the main thread: the death of the thread that forks is the death
    that its child hears of."""

    def __init__(self, ticket: wire.Ticket, keys: curve.Keys) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._welcomed = False
        self._greeted: list[float] = []
        self._kill_by: float | None = None
        self._began = self._beat_at = time.monotonic()
        self._lease = lease.Lease(lease.LEASE, self._began)
        self._folder = agent_folder.make()
        self._near = self._socket(zmq.ROUTER)
        self._near.router_mandatory = True
        self._far = self._socket(zmq.DEALER)
        curve.as_client(self._far, keys, ticket.server)
        self._monitor = self._far.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        endpoint = f"ipc://{self._folder}/{agent_folder.SOCKET}"
        self._near.bind(endpoint)
        self._worker = AgentWorker(ticket, endpoint, self._tell, self._over.set)
        self._far.connect(ticket.address)
        self._up = Outlet(self._send_far, lambda paused: self._hold(self._from_near, paused))
        self._down = Outlet(self._send_near, lambda paused: self._hold(self._from_far, paused))
        self._from_near = SocketReader(self._near, self._take_near, self._down.flush)
        self._from_far = SocketReader(self._far, self._take_far, self._up.flush)
        self._gone = SocketReader(self._monitor, self._disconnected)

    async def run(self) -> None:
        """Return when the worker has ended, or nobody is there who could want it."""
        try:
            while not self._over.is_set():
                self._look(time.monotonic())
                try:
                    await asyncio.wait_for(self._over.wait(), lease.LOOK)
                except TimeoutError:
                    continue
        finally:
            self._close()

    def end(self, why: str) -> None:
        """Nobody wants it any more: kill the worker, and return from `run` when it is gone."""
        if not self._worker.runs:
            self._worker.drop()
            self._over.set()
        elif self._kill_by is None:
            self._kill_by = time.monotonic() + KILL_SECONDS
            self._worker.kill(why)

    def _look(self, now: float) -> None:
        if self._welcomed and self._lease.over(now):
            self.end(f"it has heard nothing for {lease.LEASE:g} s")
        if not self._welcomed and now - self._began >= WELCOME_SECONDS:
            self.end("nobody has let it in")
        if self._kill_by is not None and now >= self._kill_by:
            self._over.set()
        if now >= self._beat_at:
            self._beat_at = now + lease.BEAT
            if not self._welcomed:
                self._greet(now)
            elif not self._worker.tell_news(now):  # whatever is said is a sign of life
                self._up.put([BEAT])
        self._up.flush()
        self._down.flush()

    def _greet(self, now: float) -> None:
        self._tell(wire.Greeting(self._worker.name, __version__, len(self._greeted)))
        self._greeted.append(now)

    def _tell(self, message: wire.FromAgent) -> None:
        self._up.put([MESSAGE, wire.encode(message)])

    # Messages.

    def _take_far(self) -> int:
        kind, *rest = receive_frames(self._far)
        self._lease.heard()
        if kind.bytes == WORKER and rest:
            self._down.put(rest)
        elif kind.bytes == MESSAGE and rest:
            self._told(wire.decode_to_agent(rest[0].bytes))
        return sum(map(len, rest))

    def _told(self, message: wire.ToAgent) -> None:
        match message:
            case wire.Welcome() if not self._welcomed:
                now = time.monotonic()
                if leases.is_fresh(self._greeted, message.number, now):
                    self._welcomed, self._lease = True, lease.Lease(lease.LEASE, now)
                    self._worker.begin()
            case wire.Signal():
                self._worker.signalled(message.number)
            case wire.Hash() | wire.Piece() | wire.NotGiven():
                self._worker.answered(message)

    def _take_near(self) -> int:
        sender, *frames = receive_frames(self._near)
        peer = peer_of(frames[0]) if frames else None
        known = self._worker.runs if peer is None else self._worker.owns(peer.pid)
        if known and sender.bytes.decode("ascii", "replace") == self._worker.name:
            agent_folder.remove(self._folder)  # who is connected needs no address any more
            self._up.put([WORKER, *frames])
        return sum(map(len, frames))

    def _send_far(self, frames: Sequence[Blob]) -> bool:
        return _sent(self._far, frames, self._from_far)

    def _send_near(self, frames: Sequence[Blob]) -> bool:
        try:
            return _sent(self._near, [self._worker.name.encode(), *frames], self._from_near)
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            return True  # it has ended, which is told by another way

    def _disconnected(self) -> int:
        self._monitor.recv_multipart(zmq.DONTWAIT)
        if self._welcomed:
            self.end("its connection was cut")
        return 0

    def _hold(self, reader: SocketReader, paused: bool) -> None:
        (reader.pause if paused else reader.resume)()

    # The end.

    def _close(self) -> None:
        self._over.set()
        self._worker.drop()
        for reader in (self._from_near, self._from_far, self._gone):
            reader.close()
        self._far.disable_monitor()
        self._monitor.close(0)  # an open one would hold up the context for ever
        self._near.close(0)
        self._far.close(LINGER_MS)
        agent_folder.remove(self._folder)
        self._context.term()

    def _socket(self, kind: int) -> "zmq.Socket[bytes]":
        socket = self._context.socket(kind)
        configure(socket)
        socket.sndhwm = socket.rcvhwm = SEND_LIMIT
        return socket


def _sent(socket: "zmq.Socket[bytes]", frames: Sequence[Blob], reader: SocketReader) -> bool:
    try:
        send_frames(socket, frames)
    except zmq.Again:
        reader.look_if_more()
        return False
    reader.look()
    return True


def serve(
    ticket: wire.Ticket, keys: curve.Keys, follow: Callable[[Agent], None] = lambda agent: None
) -> None:
    """Run an agent to its end, on the main thread of a process. `follow` is given it once it has begun: it
    may arrange that it ends with somebody else, by `Agent.end`."""

    async def run() -> None:
        agent = Agent(ticket, keys)
        follow(agent)
        await agent.run()

    asyncio.run(run())


def main() -> int:
    """The agent as a command; it ends with its stdin."""
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the client's
    try:
        ticket = msgspec.json.decode(sys.stdin.buffer.readline(), type=wire.Ticket)
    except msgspec.ValidationError as error:
        sys.exit(f"AI-PAL {__version__} is here, and was told what it does not know: {error}")
    keys = curve.fresh_keys()
    sys.stdout.write(f"\n{KEY}{keys.public}\n")  # a login shell may have written half a line
    sys.stdout.flush()
    serve(ticket, keys, _until_stdin_ends)
    return 0


def _until_stdin_ends(agent: Agent) -> None:
    loop, stdin = asyncio.get_running_loop(), sys.stdin.fileno()

    def readable() -> None:
        if not os.read(stdin, 4096):
            loop.remove_reader(stdin)
            agent.end("the command that started it is over")

    loop.add_reader(stdin, readable)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
