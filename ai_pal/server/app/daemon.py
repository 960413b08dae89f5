"""The composition root: the supervisor with its sockets, clock, launcher and memory."""

import asyncio
import contextlib
import os
import random

import anyio
import msgspec
import psutil

from ai_pal import __version__, catalog, logs
from ai_pal.catalog.references.resolved import Resolved
from ai_pal.config import Settings
from ai_pal.config.current import CurrentSettings
from ai_pal.config.egress_environment import egress_environment, machines_environment
from ai_pal.errors import AiPalError
from ai_pal.logs import get_logger
from ai_pal.memory.machine import MachineMemory
from ai_pal.protocol import client as wire
from ai_pal.server.app.answerers import Answerers
from ai_pal.server.app.client_processes import ClientProcesses
from ai_pal.server.app.models_here import looking
from ai_pal.server.app.policies import egress_policy, idle_policy, pool_policy
from ai_pal.server.app.references import is_used, load_of, model_of, plan_of
from ai_pal.server.app.sockets import Sockets
from ai_pal.server.app.worker_nodes import worker_nodes
from ai_pal.server.backends.local import LocalModels
from ai_pal.server.children.egress import MACHINES, MODULE, EgressProcess
from ai_pal.server.children.gateways import Gateways, GatewaySpec
from ai_pal.server.clock.loop_clock import LoopClock
from ai_pal.server.endpoints.clients import ClientEndpoint
from ai_pal.server.endpoints.workers import WorkerEndpoint
from ai_pal.server.nodes.local import LocalLauncher
from ai_pal.server.nodes.process_exit import watch_pid
from ai_pal.server.pool.serving import terms
from ai_pal.server.pool.supervisor import Supervisor
from ai_pal.server.services.activity import Activity
from ai_pal.server.services.downloads import Downloads
from ai_pal.server.services.idle_calibration import IdleCalibration
from ai_pal.server.services.operations import Actors, operations
from ai_pal.server.services.status import Identity, StatusReports
from ai_pal.transport.channel import bytes_of
from ai_pal.transport.peer import Peer
from ai_pal.transport.run_directory import RunDirectory
from ai_pal.transport.sockets import Blob

PULLED = "pulled"
"""The event of a model that has come: who is told of it may ask it at once."""

NOBODY = b""
"""The client that asks for preloads: what it is told goes nowhere."""

log = get_logger("ai_pal")


class Hosting(msgspec.Struct, frozen=True):
    """How this supervisor is run: `auto_started` ends when idle, `owner` (a pid) takes it along, `gateways`
    are started with it."""

    auto_started: bool = False
    owner: int = 0
    gateways: GatewaySpec | None = None


class Daemon:
    """The running supervisor with its sockets, clock and launcher."""

    def __init__(self, current: CurrentSettings, hosting: Hosting, run_directory: RunDirectory) -> None:
        self._current = current
        self.stopped = anyio.Event()
        self._loop = asyncio.get_running_loop()
        self._clock, self._memory = LoopClock(self._alarm), MachineMemory()
        self._sockets = Sockets(run_directory, self._from_client, self._from_worker, self._flush)
        self.listen_again = self._sockets.listen_again
        self._activity = Activity(self._clock)
        self._processes = ClientProcesses(self._client_died)
        self._clients = self._client_endpoint(hosting, run_directory.front)
        self._workers = WorkerEndpoint(self._sockets.workers.send, self._observe)
        launcher = LocalLauncher(run_directory.folder, run_directory.workers, self._worker_line)
        send = self._workers.send_egress
        self._gateways = Gateways(launcher, self._clock, self._observe, hosting.gateways)
        self._nodes = worker_nodes(
            current, launcher, self._memory, send, self._clock, self._observe, self._worker_line
        )
        self._egress, self._links = (
            EgressProcess(
                launcher, send, self._clock, self._observe, egress_policy(self._settings), environment, module
            )
            for module, environment in ((MODULE, egress_environment), (MACHINES, machines_environment))
        )
        self._workers.outgoing = (self._egress, self._links, *self._nodes.outgoing)
        self._compose_local()
        self._answerers = Answerers(
            current=current,
            clients=self._clients,
            local=self._models,
            egress=self._egress,
            links=self._links,
            clock=self._clock,
            observe=self._observe,
        )
        self._compose_operations()
        if hosting.owner:
            watch_pid(hosting.owner, self.stop)

    def _client_endpoint(self, hosting: Hosting, front: str) -> ClientEndpoint:
        self._identity = Identity(
            __version__, os.getpid(), os.getuid(), front, self._current.fingerprint, hosting.auto_started,
            self._clock.now(), str(catalog.cache_dir(self._settings)),
        )  # fmt: skip
        return ClientEndpoint(
            identity=self._identity,
            clock=self._clock,
            activity=self._activity,
            send_frames=self._sockets.front.send,
            request_flush=self._sockets.request_flush,
            greeted=self._processes.watch,
            left=self._processes.unwatch,
        )

    def _compose_local(self) -> None:
        """The models here, or on the nodes of the cluster, and downloads of what they lack."""
        settings = self._settings
        self._supervisor = self._workers.supervisor = Supervisor(
            clients=self._clients,
            workers=self._workers,
            launcher=self._nodes.launcher,
            clock=self._clock,
            resolve=self._load_of,
            jitter=random.random,
            observe=self._observe,
            policy=pool_policy(settings),
            admission=self._nodes.admission,
            used=lambda resolved: is_used(resolved, self._settings),
        )
        self._downloads = Downloads(
            clients=self._clients,
            egress=self._egress,
            clock=self._clock,
            plan=lambda reference: plan_of(reference, self._settings),
            observe=self._observe,
            policy=egress_policy(settings),
        )
        self._models = LocalModels(
            self._supervisor, self._downloads, self._clients, self._nodes.stays, remote=self._nodes.remote
        )

    def _compose_operations(self) -> None:
        endpoint, answerers, process = self._clients, self._answerers, psutil.Process()
        self._calibration = IdleCalibration(
            models=self._models,
            workers=lambda: self._supervisor.pool,
            doubts=answerers.doubts,
            activity=self._activity,
            clock=self._clock,
            observe=self._observe,
            policy=idle_policy(self._settings),
        )
        reports = StatusReports(
            self._identity,
            self._clock,
            clients=lambda: len(endpoint),
            memory=lambda: process.memory_info().rss,
            workers=lambda: self._calibration.mark(self._supervisor.statuses()),
            gateways=lambda: endpoint.gateways,
            nodes=self._nodes.statuses,
            evictions=lambda: self._supervisor.pool.admission.evictions,
        )
        self._operations = endpoint.operations = operations(
            Actors(
                clients=endpoint,
                clock=self._clock,
                look=looking(lambda: self._settings, self._loop),
                router=answerers.router,
                model_of=lambda request: model_of(request, self._settings),
                models=self._models,
                supervisor=self._supervisor,
                downloads=self._downloads,
                inquiries=answerers.inquiries,
                hub=answerers.hub,
                status=reports.answer,
                open_requests=lambda: endpoint.open_requests,
                stop=self._stop_wanted,
                activity=self._activity,
                unread=endpoint.unread,
                free=self._memory.free,
                total=self._memory.total,
                call_off=endpoint.call_off,
                resolve=self._load_of,
                doubts=answerers.doubts,
                drain=self._drain,
            )
        )

    @property
    def _settings(self) -> Settings:
        return self._current.settings

    def _load_of(self, reference: str) -> Resolved:
        return load_of(reference, self._settings)

    def _drain(self, request: wire.Drain) -> wire.Event:
        try:
            self._nodes.drain(request.node, undo=request.undo)
        except AiPalError as error:
            return wire.Failed(request.id, [error.failure])
        return wire.Drained(request.id, [] if request.undo else self._supervisor.drain(request.node))

    def _take_settings(self) -> None:
        """What the config file says by now, before anything is decided by it."""
        if self._current.renewed():
            settings = self._settings
            self._answerers.take(settings)
            terms.take(self._supervisor.pool, pool_policy(settings))
            self._calibration.policy = idle_policy(settings)
            self._clients.identity = msgspec.structs.replace(
                self._identity, fingerprint=self._current.fingerprint
            )
            log.info("settings_changed")

    def start_children(self) -> None:
        """Start the gateway and the cluster process, where they belong to this supervisor."""
        self._gateways.start()
        self._nodes.start()

    def preload(self) -> None:
        """Load what the settings name; nobody waits for it, the log tells how it went."""
        for number, model in enumerate(self._settings.preload, 1):
            self._models.load(NOBODY, wire.Load(number, model))
        with contextlib.suppress(AiPalError):
            self._supervisor.pool.keep_spare(catalog.resolve("", self._settings).engine)

    def stop(self) -> None:
        """Begin to stop: running answers get `drain_seconds`."""
        self._shutdown(self._settings.drain_seconds)

    def stop_now(self) -> None:
        """Stop without waiting for running answers: they are interrupted."""
        self._shutdown(0.0)

    def _stop_wanted(self) -> None:
        """A client wants it: what it was told goes out first."""
        self._clients.flush()
        self.stop()

    def _shutdown(self, drain: float) -> None:
        self._gateways.settle()
        self._calibration.shutdown()
        self._operations.shutdown(drain)
        self._egress.shutdown()
        self._links.shutdown()
        self._nodes.shutdown()
        self._check_stopped()

    @property
    def stopping(self) -> bool:
        return self._supervisor.pool.closing

    @property
    def idle(self) -> bool:
        """No client is connected that does more than look on, and no operation is busy."""
        return not self._clients.used and not self._operations.busy

    async def close(self) -> None:
        """Let the last events out, then drop the sockets."""
        self._nodes.close()  # first: who sees us gone may want the memory
        self._answerers.doubts.close()
        self._clients.flush()
        self._processes.close()
        self._sockets.close()
        await asyncio.to_thread(self._answerers.close)
        await asyncio.to_thread(self._sockets.wait)

    def _alarm(self) -> None:
        self._operations.tick()
        self._calibration.tick()
        self._answerers.tick()
        self._egress.tick()
        self._links.tick()
        self._nodes.tick()
        self._gateways.tick()
        self._clients.tick()
        self._check_stopped()

    def _check_stopped(self) -> None:
        if not self.stopping or self._operations.busy:
            return
        if any(process.running for process in self._workers.outgoing):
            return
        self._clients.flush()  # the ends of answers, which gateways pass on
        self._gateways.stop()
        if not self._gateways.running:
            self.stopped.set()

    def _from_client(self, client: bytes, frames: list[Blob], peer: Peer | None, more: bool) -> None:
        self._take_settings()
        self._clients.received(client, frames, peer, more)

    def _from_worker(self, worker: bytes, frames: list[Blob], peer: Peer | None, more: bool) -> None:
        self._workers.received(worker, [bytes_of(frame) for frame in frames], peer)

    def _flush(self) -> None:
        self._clients.flush()

    def _client_died(self, client: bytes) -> None:
        self._clients.gone(client)

    def _observe(self, event: str, **fields: object) -> None:
        log.info(event, **fields)
        self._activity.observed(event, fields)
        if event == PULLED:
            self._answerers.look_anew()

    def _worker_line(self, worker: str, line: str) -> None:
        level, event, fields = logs.worker_line(line)
        model_worker = self._supervisor.pool.of_worker(worker)
        model = model_worker.model if model_worker else ""
        log.log(level, event, **fields | {"worker": worker, "model": model})
