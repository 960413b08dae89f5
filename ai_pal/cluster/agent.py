"""The agent: beside each worker on its node. It launches the worker, watches it, passes its messages on, and
ends it: when it is told to, or when its lease is over because the cluster process is silent.

`python -P -m ai_pal.cluster.agent` takes its ticket as a line on stdin and writes its public key to stdout;
an engine that runs Python on nodes calls `serve`. The secret key never leaves this process.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import zmq

from ai_pal import __version__
from ai_pal.cluster import agent_folder, leases
from ai_pal.cluster.frames import BEAT, MESSAGE, WORKER
from ai_pal.cluster.room_here import shortage
from ai_pal.cluster.supplying import Supplying
from ai_pal.cluster.usage import UsageNews
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.memory.devices import CardsHere
from ai_pal.memory.machine import MachineMemory
from ai_pal.protocol import cluster as wire
from ai_pal.server.nodes.base import ExitStatus, LaunchSpec
from ai_pal.server.nodes.local import LocalLauncher, LocalProcess
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
        self._ticket, self._worker = ticket, ticket.worker
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._process: LocalProcess | None = None
        self._supplying: Supplying | None = None
        self._supplied: wire.Supplied | None = None
        self._usage = UsageNews()
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
        self._endpoint = f"ipc://{self._folder}/{agent_folder.SOCKET}"
        self._near.bind(self._endpoint)
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

    def end(self) -> None:
        """Nobody wants it any more: kill the worker, and return from `run` when it is gone."""
        if self._process is None:
            self._over.set()
        elif self._kill_by is None:
            self._kill_by = time.monotonic() + KILL_SECONDS
            self._process.kill()

    def _look(self, now: float) -> None:
        if self._welcomed and self._lease.over(now):
            self.end()
        if not self._welcomed and now - self._began >= WELCOME_SECONDS:
            self.end()
        if self._kill_by is not None and now >= self._kill_by:
            self._over.set()
        if now >= self._beat_at:
            self._beat_at = now + lease.BEAT
            if not self._welcomed:
                self._greet(now)
            elif not self._tell_usage(now):  # whatever is said is a sign of life
                self._up.put([BEAT])
        self._up.flush()
        self._down.flush()

    def _greet(self, now: float) -> None:
        self._tell(wire.Greeting(self._worker, __version__, len(self._greeted)))
        self._greeted.append(now)

    def _tell_usage(self, now: float) -> bool:
        """Say how far its files are, or what the worker has used, where that is news: whether it was."""
        supplied = self._supplying.told if self._supplying is not None else None
        if supplied is not None and supplied != self._supplied:
            self._supplied = supplied
            self._tell(supplied)
            return True
        usage = self._process.usage() if self._process is not None else None
        if usage is None or not self._usage.is_news(usage, now):
            return False
        self._tell(wire.Used(self._worker, usage.cpu, usage.memory, usage.read, usage.private, usage.peak))
        return True

    def _tell(self, message: wire.FromAgent) -> None:
        self._up.put([MESSAGE, wire.encode(message)])

    # The worker.

    def _begin(self) -> None:
        """It is welcome here: see to its files, and launch it."""
        supply = self._ticket.supply
        if self._is_short():
            return
        if supply is None:
            self._launch()
        else:
            self._supplying = Supplying(self._worker, supply, self._tell, self._files_are_there)

    def _files_are_there(self, failure: Failure | None) -> None:
        if self._supplying is None or self._over.is_set():
            return None  # it is not wanted any more
        self._supplying = None
        if failure is not None:
            end = wire.Ended(self._worker, reason=failure.message, refused=True, cause=Code(failure.code))
            return self._finish(end)
        return self._launch()

    def _is_short(self) -> bool:
        """Whether memory is lacking here, its own or a card's: then that is its end."""
        everything = CardsHere(environ={})  # what an engine lets this process see may be others
        if reason := shortage(self._ticket, MachineMemory().free(), everything):
            self._finish(wire.Ended(self._worker, reason=reason, refused=True))
        return bool(reason)

    def _launch(self) -> None:
        ticket = self._ticket
        if self._is_short():
            return None
        launcher = LocalLauncher(Path("/"), self._endpoint, self._line)
        seen = ",".join(card.uuid for card in ticket.cards)
        environment = (("CUDA_VISIBLE_DEVICES", seen),) if seen else ()
        spec = LaunchSpec(self._worker, ticket.module, ticket.args, environment)
        try:
            self._process = launcher.launch(spec, self._exited)
        except AiPalError as error:
            why, cause = error.failure.message, Code(error.failure.code)
            return self._finish(wire.Ended(self._worker, reason=why, refused=True, cause=cause))
        return self._tell(wire.Launched(self._worker, self._process.pid))

    def _line(self, worker: str, line: str) -> None:
        self._tell(wire.Line(self._worker, line))

    def _exited(self, status: ExitStatus) -> None:
        assert self._process is not None
        tail = self._process.stderr_tail()
        self._process = None
        self._finish(wire.Ended(self._worker, status.code, status.signal, tail=tail))

    def _finish(self, end: wire.Ended) -> None:
        if not self._over.is_set():
            self._tell(end)
            self._over.set()

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
                    self._begin()
            case wire.Signal() if self._process is not None:
                (self._process.kill if message.number == 9 else self._process.terminate)()
            case wire.Signal() if self._supplying is not None:
                self._finish(wire.Ended(self._worker, signal=message.number))
            case wire.Hash() | wire.Piece() | wire.NotGiven() if self._supplying is not None:
                self._supplying.answered(message)

    def _take_near(self) -> int:
        sender, *frames = receive_frames(self._near)
        peer = peer_of(frames[0]) if frames else None
        known = self._process is not None and (peer is None or self._process.owns(peer.pid))
        if known and sender.bytes.decode("ascii", "replace") == self._worker:
            agent_folder.remove(self._folder)  # who is connected needs no address any more
            self._up.put([WORKER, *frames])
        return sum(map(len, frames))

    def _send_far(self, frames: Sequence[Blob]) -> bool:
        return _sent(self._far, frames, self._from_far)

    def _send_near(self, frames: Sequence[Blob]) -> bool:
        try:
            return _sent(self._near, [self._worker.encode(), *frames], self._from_near)
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            return True  # it has ended, which is told by another way

    def _disconnected(self) -> int:
        self._monitor.recv_multipart(zmq.DONTWAIT)
        if self._welcomed:
            self.end()
        return 0

    def _hold(self, reader: SocketReader, paused: bool) -> None:
        (reader.pause if paused else reader.resume)()

    # The end.

    def _close(self) -> None:
        self._over.set()
        if self._process is not None:
            self._process.kill()
        if self._supplying is not None:
            self._supplying.stop()
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
    ticket = msgspec.json.decode(sys.stdin.buffer.readline(), type=wire.Ticket)
    keys = curve.fresh_keys()
    sys.stdout.write(f"{KEY}{keys.public}\n")
    sys.stdout.flush()
    serve(ticket, keys, _until_stdin_ends)
    return 0


def _until_stdin_ends(agent: Agent) -> None:
    loop, stdin = asyncio.get_running_loop(), sys.stdin.fileno()

    def readable() -> None:
        if not os.read(stdin, 4096):
            loop.remove_reader(stdin)
            agent.end()

    loop.add_reader(stdin, readable)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
