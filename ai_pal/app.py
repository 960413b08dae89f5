"""The composition root: the only place that names concrete classes and puts the supervisor together."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import anyio
import msgspec
import psutil
import structlog
import zmq

from ai_pal import __version__, catalog, lifecycle, logs
from ai_pal.catalog import files, used
from ai_pal.config import Settings, digest, paths
from ai_pal.config.egress_environment import egress_environment
from ai_pal.errors import AiPalError, Code, fail
from ai_pal.estimates import LearnedFootprints
from ai_pal.front_door import FrontDoor, Identity
from ai_pal.launchers.local import LocalLauncher
from ai_pal.launchers.process_exit import watch_pid
from ai_pal.load_ledger import LoadLedger
from ai_pal.loop_clock import LoopClock
from ai_pal.machine_memory import MachineMemory
from ai_pal.messages import client as wire
from ai_pal.supervisor.admission import Admission, MemoryPolicy
from ai_pal.supervisor.downloads import Downloads, Plan
from ai_pal.supervisor.egress import EgressPolicy, EgressProcess
from ai_pal.supervisor.pool import PoolPolicy
from ai_pal.supervisor.ports import Resolved
from ai_pal.supervisor.supervisor import Supervisor
from ai_pal.transport.channel import RouterChannel
from ai_pal.transport.peer import Peer
from ai_pal.transport.run_directory import RunDirectory, discard
from ai_pal.worker_door import WorkerDoor

CLIENT_SEND_LIMIT = 16
"""Messages that may wait in the socket for one client; behind them the front door counts bytes."""

WORKER_RECEIVE_LIMIT = 16
"""Messages that may wait from each worker: what does not fit waits merged in the worker."""

FLUSH_TIMEOUT = 0.2
"""Seconds that the last events get to leave the process."""

SLOW_TO_IMPORT = ("transformers",)
"""Engines for which a spare worker saves seconds."""

NOBODY = b""
"""The client that asks for preloads: what it is told goes nowhere."""

log = structlog.get_logger("ai_pal")


class Hosting(msgspec.Struct, frozen=True):
    """How this supervisor is run: `auto_started` ends when idle, `owner` (a pid) takes it along."""

    auto_started: bool = False
    owner: int = 0
    run_dir: Path | None = None


def run(settings: Settings, hosting: Hosting, on_ready: Callable[[str], None]) -> None:
    """Run a supervisor until it is stopped by signal, request, idleness or its owner's death.

    `on_ready` gets the endpoint once clients can connect. Raises `AiPalError`."""
    os.umask(0o077)  # sockets, locks and logs are their owner's
    with RunDirectory.acquire(paths.make_private(hosting.run_dir or paths.run_dir())) as held:
        anyio.run(_serve, settings, hosting, held, on_ready, backend="asyncio")
    if hosting.owner and hosting.run_dir is not None:
        discard(hosting.run_dir)  # its owner may be dead


async def _serve(
    settings: Settings, hosting: Hosting, run_directory: RunDirectory, on_ready: Callable[[str], None]
) -> None:
    daemon = Daemon(settings, hosting, run_directory)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(daemon.stop_on_signal)
            tasks.start_soon(daemon.stop_when_idle)
            log.info("supervisor_ready", pid=os.getpid(), endpoint=run_directory.front, version=__version__)
            on_ready(run_directory.front)
            if not hosting.owner:
                daemon.preload()
            await daemon.stopped.wait()
            tasks.cancel_scope.cancel()
    finally:
        await daemon.close()
        log.info("supervisor_stopped", pid=os.getpid())


class Daemon:
    """The running supervisor with its sockets, clock and launcher."""

    def __init__(self, settings: Settings, hosting: Hosting, run_directory: RunDirectory) -> None:
        self._settings, self._hosting = settings, hosting
        self.stopped = anyio.Event()
        self._loop = asyncio.get_running_loop()
        self._process = psutil.Process()
        self._clock = LoopClock(self._alarm)
        self._watches: dict[bytes, Callable[[], None]] = {}
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._front = RouterChannel(self._context, run_directory.front, self._from_client, CLIENT_SEND_LIMIT)
        self._workers = RouterChannel(
            self._context, run_directory.workers, self._from_worker, receive_limit=WORKER_RECEIVE_LIMIT
        )
        self._door = FrontDoor(
            identity=Identity(
                __version__,
                os.getpid(),
                os.getuid(),
                run_directory.front,
                digest(settings),
                hosting.auto_started,
                self._clock.now(),
                str(catalog.cache_dir(settings)),
            ),
            clock=self._clock,
            send_frames=self._front.send,
            request_flush=self._request_flush,
            stop=self.stop,
            memory=lambda: self._process.memory_info().rss,
            greeted=self._watch_client,
            left=self._unwatch_client,
        )
        self._worker_door = WorkerDoor(self._workers.send, self._observe)
        launcher = LocalLauncher(run_directory.folder, run_directory.workers, self._worker_line)
        self._supervisor = self._door.supervisor = self._worker_door.supervisor = Supervisor(
            clients=self._door,
            workers=self._worker_door,
            launcher=launcher,
            clock=self._clock,
            resolve=self._resolve,
            jitter=random.random,
            observe=self._observe,
            policy=policy_of(settings),
            admission=self._admission(settings),
        )
        self._compose_downloads(launcher)
        if hosting.owner:
            watch_pid(hosting.owner, self.stop)

    def _compose_downloads(self, launcher: LocalLauncher) -> None:
        policy = EgressPolicy(start=self._settings.start_timeout, stall=self._settings.download_stall)
        egress = EgressProcess(
            launcher, self._worker_door.send_egress, self._clock, self._observe, policy, egress_environment
        )
        self._downloads = self._door.downloads = self._worker_door.downloads = Downloads(
            clients=self._door,
            egress=egress,
            clock=self._clock,
            plan=self._plan,
            observe=self._observe,
            policy=policy,
        )
        self._worker_door.egress = egress
        self._downloads.resume = self._door.resume
        self._supervisor.fetch_first = self._door.fetch_first

    def preload(self) -> None:
        """Load what the settings name; nobody waits for it, the log tells how it went."""
        for number, model in enumerate(self._settings.preload, 1):
            self._supervisor.load(NOBODY, wire.Load(number, model))
        with contextlib.suppress(AiPalError):
            self._supervisor.pool.keep_spare(catalog.resolve("", self._settings).engine)

    def stop(self) -> None:
        """Begin to stop: running answers get `drain_seconds`."""
        self._supervisor.shutdown(self._settings.drain_seconds)
        self._downloads.shutdown()
        self._check_stopped()

    async def stop_on_signal(self) -> None:
        """SIGTERM and SIGINT stop; a second one interrupts running answers at once."""
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for number in signals:
                log.info("stop_signal", signal=signal.Signals(number).name)
                if self._supervisor.pool.closing:
                    self._supervisor.interrupt_all()
                self.stop()

    async def stop_when_idle(self) -> None:
        """An auto-started supervisor ends after `idle_exit` seconds without client and model."""
        limit = self._settings.idle_exit
        if not self._hosting.auto_started or limit < 0:
            return
        idle_since = self._clock.now()
        while True:
            await anyio.sleep(min(5.0, max(0.05, limit / 10)))
            if len(self._door) or len(self._downloads) or not self._supervisor.idle:
                idle_since = self._clock.now()
            elif self._clock.now() - idle_since >= limit:
                log.info("idle_exit", idle_for=round(self._clock.now() - idle_since))
                self.stop()
                return

    async def close(self) -> None:
        """Let the last events out, then drop the sockets."""
        self._ledger.close()  # first: who sees us gone may want the memory
        self._door.flush()
        for stop in self._watches.values():
            stop()
        self._front.close(linger=FLUSH_TIMEOUT)
        self._workers.close()
        await asyncio.to_thread(self._context.term)

    def _admission(self, settings: Settings) -> Admission:
        self._ledger = LoadLedger(paths.ledger_file())
        policy = MemoryPolicy(
            budget=settings.memory_budget,
            low=settings.memory_low,
            pressure=settings.memory_pressure,
            max_loaded=settings.max_loaded_models,
        )
        return Admission(MachineMemory(), self._ledger, LearnedFootprints(paths.peaks_file()), policy)

    def _alarm(self) -> None:
        self._supervisor.tick()
        self._downloads.tick()
        self._door.tick()
        self._check_stopped()

    def _check_stopped(self) -> None:
        if self._supervisor.pool.closing and self._supervisor.idle and self._downloads.idle:
            self.stopped.set()

    def _from_client(self, client: bytes, frames: list[bytes], peer: Peer | None) -> None:
        self._door.received(client, frames, peer)

    def _from_worker(self, worker: bytes, frames: list[bytes], peer: Peer | None) -> None:
        self._worker_door.received(worker, frames, peer)

    def _request_flush(self) -> None:
        self._loop.call_soon(self._door.flush)

    def _watch_client(self, client: bytes, peer: Peer | None) -> None:
        if peer is not None and peer.pid and client not in self._watches:
            self._watches[client] = watch_pid(peer.pid, lambda: self._door.gone(client))

    def _unwatch_client(self, client: bytes) -> None:
        stop_watching = self._watches.pop(client, None)
        if stop_watching is not None:
            stop_watching()

    def _observe(self, event: str, **fields: object) -> None:
        log.info(event, **fields)

    def _worker_line(self, worker: str, line: str) -> None:
        level, event, fields = logs.worker_line(line)
        slot = self._supervisor.pool.of_worker(worker)
        model = slot.model if slot else ""
        log.log(LEVELS[level], event, **fields | {"worker": worker, "model": model})

    def _plan(self, reference: str) -> Plan:
        found = catalog.find(reference, self._settings)
        if found.is_here and not found.path:
            fail(Code.MODEL_INVALID, f"{found.name} is built in: there is nothing to pull")
        unsure = isinstance(found.wanted, catalog.Artifact) and not found.verified
        return Plan(
            found.name,
            str(catalog.cache_dir(self._settings)),
            found.wanted,
            "" if unsure else found.path,
            found.size,
            found.variant,
            found.reason,
            found.commit,
        )

    def _resolve(self, reference: str) -> Resolved:
        load = catalog.resolve(reference, self._settings)
        size = files.size_of(load.path) if load.path else 0
        if load.path:
            used.touch(load.path, self._settings)
        pinned = catalog.pinned(reference, self._settings)
        return Resolved(load, size, catalog.keep_alive(reference, self._settings), pinned)


LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


def policy_of(settings: Settings) -> PoolPolicy:
    """The supervisor's budgets as the settings have them."""
    worker = lifecycle.Policy(
        start_timeout=settings.start_timeout,
        load_stall=settings.load_stall,
        memory_wait=settings.memory_wait,
        beat_timeout=settings.beat_timeout,
        engine_stall=settings.engine_stall,
        drain_timeout=max(settings.drain_seconds, 30.0),
    )
    return PoolPolicy(
        worker=worker,
        queue_size=settings.queue_size,
        keep_alive=settings.keep_alive,
        log_prompts=settings.log_prompts,
        spare_engines=SLOW_TO_IMPORT if settings.spare_worker else (),
    )
