"""The cluster process's one owner loop: its socket to the supervisor, its engine, its port, its beat."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Sequence

import msgspec
import zmq

from ai_pal import __version__
from ai_pal.cluster import engines, leases
from ai_pal.cluster.engine import Engine
from ai_pal.cluster.giving import Giving
from ai_pal.cluster.placements import GRACE, SETTLE, Placements
from ai_pal.cluster.relay import Relay
from ai_pal.egress.channel import DealerChannel
from ai_pal.egress.report import report
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import cluster as wire
from ai_pal.protocol.egress import EgressBeat, EgressHello
from ai_pal.protocol.node_facts import FilesTold
from ai_pal.transport import parent_death
from ai_pal.transport.outlet import Outlet

BEAT_SECONDS = 1.0

NODES_SECONDS = 0.5
"""Between two looks at the engine's nodes; only what has changed is told."""


def run(endpoint: str, identity: str, parent: int) -> int:
    """Serve until the supervisor is gone; returns the exit code."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: report(context.get("exception"), context["message"]))
    loop.run_until_complete(_serve(endpoint, identity, parent))
    return 0


async def _serve(endpoint: str, identity: str, parent: int) -> None:
    process, gone = ClusterProcess(endpoint), asyncio.Event()
    channel = DealerChannel(
        endpoint, identity, receive=process.take, looked=process.flush, lost=gone.set
    )  # fmt: skip
    process.begin(channel.send)
    while not gone.is_set() and not parent_death.orphaned(parent):
        process.tick(time.monotonic())
        try:
            await asyncio.wait_for(gone.wait(), leases.LOOK)
        except TimeoutError:
            continue
    process.close()


class ClusterProcess:
    """Everything here runs on the main thread; what engines tell from theirs is brought here."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._engine: Engine | None = None
        self._relay: Relay | None = None
        self._giving: Giving | None = None
        self._placements: Placements | None = None
        self._told: tuple[wire.Node, ...] | None = None
        self._files = FilesTold()
        self._look_at = self._beat_at = 0.0
        self._stuck = False
        self._out = Outlet(lambda frames: False, lambda paused: None)

    def begin(self, send: Callable[[Sequence[bytes]], bool]) -> None:
        """Say hello by `send`, and everything after it too."""

        def stuck(paused: bool) -> None:
            self._stuck = paused

        self._out = Outlet(
            lambda frames: send([frame for frame in frames if isinstance(frame, bytes)]), stuck
        )
        self._tell(EgressHello(os.getpid(), __version__))

    def flush(self) -> None:
        """The supervisor may take messages again."""
        self._out.flush()

    def take(self, frames: Sequence[memoryview]) -> None:
        """Messages of the supervisor's."""
        for frame in frames:
            try:
                message = wire.decode_to_cluster(frame)
            except msgspec.DecodeError as error:
                sys.exit(f"the supervisor sent what cannot be read: {error}")
            match message:
                case wire.Begin() if self._relay is None:
                    self._start(message)
                case wire.Place() if self._placements is not None:
                    self._placements.place(message)
                case wire.Signal() if self._placements is not None:
                    self._placements.signal(message, time.monotonic())

    def tick(self, now: float) -> None:
        """Everything that time brings; to be called every `leases.LOOK` seconds."""
        self._out.flush()
        if now >= self._beat_at:
            self._beat_at = now + BEAT_SECONDS
            self._tell(EgressBeat())
        if self._placements is None or self._relay is None or self._engine is None or self._giving is None:
            return
        self._relay.flush()
        self._giving.flush()
        if self._relay.paused:
            self._placements.heard_all()
        self._placements.tick(now)
        if now >= self._look_at:
            self._look_at = now + NODES_SECONDS
            nodes = tuple(self._engine.nodes())
            self._placements.fell_silent({node.name for node in nodes if node.silent}, now)
            if nodes != self._told and not self._stuck:
                self._told = nodes
                self._tell(wire.Nodes(self._files.shortened(nodes)))

    def close(self) -> None:
        """End all agents."""
        if self._engine is not None:
            self._engine.close()
        if self._giving is not None:
            self._giving.close()
        if self._relay is not None:
            self._relay.close()

    def _start(self, message: wire.Begin) -> None:
        """Have the port and the engine, or say why not."""
        try:
            self._relay = Relay(message.listen, self._endpoint, self._said, self._heard, message.advertise)
            self._engine = engines.make(message, _Brought(self))
        except zmq.ZMQError as error:
            failure = Failure(
                Code.CONFIG_INVALID,
                f"agents cannot connect to {message.listen}: {error.strerror}",
                "set `listen` in [cluster] to an address of this machine",
            )
            return self._tell(wire.Down(failure))
        except AiPalError as error:
            return self._tell(wire.Down(error.failure))
        self._giving = Giving(self._relay.tell)
        self._placements = Placements(self._engine, self._relay, self._giving, self._tell, __version__)
        return self._tell(wire.Up(self._engine.name, self._relay.address))

    def admitted(self, worker: str, key: str) -> None:
        if self._placements is not None:
            self._placements.admitted(worker, key, time.monotonic())

    def refused(self, worker: str, reason: str, cause: Code | None) -> None:
        if self._placements is not None:
            self._placements.refused(worker, reason, cause, time.monotonic())

    def lost(self, worker: str, reason: str) -> None:
        if self._placements is not None:
            self._placements.lost(worker, reason, time.monotonic())
            self._look_after(GRACE)

    def _heard(self, worker: str) -> None:
        if self._placements is not None:
            self._placements.heard(worker)

    def _said(self, worker: str, frame: bytes) -> None:
        if self._placements is None:
            return
        try:
            message = wire.decode_from_agent(frame)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            self._placements.broken(worker, time.monotonic())
        else:
            self._placements.said(worker, message, time.monotonic())
            if isinstance(message, wire.Ended):
                self._look_after(SETTLE)

    def _look_after(self, seconds: float) -> None:
        """Whoever asked this worker is to hear of its end at once, and not with the next tick."""
        asyncio.get_running_loop().call_later(seconds, self.tick, time.monotonic() + seconds)

    def _tell(self, message: wire.FromCluster) -> None:
        if self._stuck and isinstance(message, wire.Line | wire.Used | wire.Supplied):
            return  # the supervisor reads nothing: what is only for people or looked at anew is left out
        self._out.put([wire.encode(message)])


class _Brought:
    """Brings what an engine tells from its threads to the loop."""

    def __init__(self, process: ClusterProcess) -> None:
        self._process, self._loop = process, asyncio.get_running_loop()

    def admitted(self, worker: str, key: str) -> None:
        self._bring(self._process.admitted, worker, key)

    def refused(self, worker: str, reason: str, cause: Code | None) -> None:
        self._bring(self._process.refused, worker, reason, cause)

    def lost(self, worker: str, reason: str) -> None:
        self._bring(self._process.lost, worker, reason)

    def _bring(self, take: Callable[..., None], *what: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants to know
            self._loop.call_soon_threadsafe(take, *what)
