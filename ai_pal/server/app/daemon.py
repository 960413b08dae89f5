"""The composition root: the supervisor with its sockets, clock, launcher and memory."""

import asyncio
import contextlib
import os
import random
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import anyio
import msgspec
import psutil
import zmq

from ai_pal import __version__, catalog, logs, privacy
from ai_pal.config import Settings, paths
from ai_pal.config.current import CurrentSettings
from ai_pal.config.egress_environment import egress_environment, machines_environment
from ai_pal.config.machine_settings import mark_of
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.logs import get_logger
from ai_pal.memory.devices import CardsHere
from ai_pal.memory.estimates import LearnedFootprints
from ai_pal.memory.machine import MachineMemory
from ai_pal.memory.promises import PromiseFile
from ai_pal.protocol import client as wire
from ai_pal.server.app.judging import judge
from ai_pal.server.app.models_here import looking
from ai_pal.server.app.policies import (
    egress_policy,
    idle_policy,
    memory_policy,
    pool_policy,
    router_policy,
)
from ai_pal.server.app.references import is_used, load_of, model_of, plan_of
from ai_pal.server.app.snapshots import MachineSnapshots
from ai_pal.server.backends.elsewhere import Elsewhere
from ai_pal.server.backends.local import LocalModels
from ai_pal.server.backends.machines import MachineStates
from ai_pal.server.backends.providers import Providers
from ai_pal.server.children.egress import MACHINES, EgressProcess
from ai_pal.server.children.gateways import Gateways, GatewaySpec
from ai_pal.server.clock.loop_clock import LoopClock
from ai_pal.server.endpoints.clients import ClientEndpoint
from ai_pal.server.endpoints.workers import WorkerEndpoint
from ai_pal.server.jobs import Job
from ai_pal.server.nodes.local import LocalLauncher
from ai_pal.server.nodes.process_exit import Processes, watch_pid
from ai_pal.server.pool.admission import Admission
from ai_pal.server.pool.admission_controller import Admits
from ai_pal.server.pool.supervisor import Supervisor
from ai_pal.server.router.router import Router
from ai_pal.server.services.activity import Activity
from ai_pal.server.services.downloads import Downloads
from ai_pal.server.services.hub import HubQuestions
from ai_pal.server.services.idle_calibration import IdleCalibration
from ai_pal.server.services.inquiries import Inquiries
from ai_pal.server.services.operations import Actors, operations
from ai_pal.server.services.status import Identity, StatusReports
from ai_pal.store.accounts import open_accounts
from ai_pal.store.doubts import DoubtFile
from ai_pal.store.machine_models import keep_models
from ai_pal.transport.channel import RouterChannel, bytes_of
from ai_pal.transport.peer import Peer
from ai_pal.transport.run_directory import RunDirectory
from ai_pal.transport.run_files import FRONT, WORKERS
from ai_pal.transport.sockets import Blob

if TYPE_CHECKING:
    from ai_pal.server.children.cluster import Cluster

CLIENT_SEND_LIMIT = 16
"""Messages that may wait in the socket for one client; behind them the client endpoint counts bytes."""

WORKER_RECEIVE_LIMIT = 16
"""Messages that may wait from each worker: what does not fit waits merged in the worker."""

FLUSH_TIMEOUT = 0.2
"""Seconds that the last events get to leave the process."""

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
        self._current, self._hosting = current, hosting
        self.stopped = anyio.Event()
        self._loop = asyncio.get_running_loop()
        self._process = psutil.Process()
        self._clock = LoopClock(self._alarm)
        self._processes, self._watches = Processes(), dict[bytes, Callable[[], None]]()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._run_directory = run_directory
        self._front = RouterChannel(self._context, self._from_client, CLIENT_SEND_LIMIT)
        self._workers = RouterChannel(self._context, self._from_worker, receive_limit=WORKER_RECEIVE_LIMIT)
        for name in (WORKERS, FRONT):
            self.listen_again(name)
        self._identity = Identity(
            __version__,
            os.getpid(),
            os.getuid(),
            run_directory.front,
            current.fingerprint,
            hosting.auto_started,
            self._clock.now(),
            str(catalog.cache_dir(self._settings)),
        )
        self._activity = Activity(self._clock)
        self._client_endpoint = ClientEndpoint(
            identity=self._identity,
            clock=self._clock,
            activity=self._activity,
            send_frames=self._front.send,
            request_flush=self._request_flush,
            greeted=self._watch_client,
            left=self._unwatch_client,
        )
        self._worker_endpoint = WorkerEndpoint(self._workers.send, self._observe)
        launcher = LocalLauncher(run_directory.folder, run_directory.workers, self._worker_line)
        send, policy = self._worker_endpoint.send_egress, egress_policy(self._settings)
        self._egress = EgressProcess(
            launcher, send, self._clock, self._observe, policy, egress_environment
        )  # fmt: skip
        self._links = EgressProcess(
            launcher, send, self._clock, self._observe, policy, machines_environment, MACHINES
        )
        self._cluster = self._cluster_of(launcher)
        far = [self._cluster.process] if self._cluster is not None else []
        self._worker_endpoint.outgoing = (self._egress, self._links, *far)
        self._gateways = Gateways(launcher, self._clock, self._observe, hosting.gateways)
        self._compose_local(launcher)
        self._compose_router()
        self._compose_operations()
        if hosting.owner:
            watch_pid(hosting.owner, self.stop)

    def _cluster_of(self, launcher: LocalLauncher) -> "Cluster | None":
        """The nodes that workers run on instead of this machine, where the settings say so."""
        if self._settings.cluster.engine == "none":
            return None
        from ai_pal.server.app.cluster import cluster_of

        send = self._worker_endpoint.send_egress
        return cluster_of(self._settings, launcher, send, self._clock, self._observe, self._worker_line)

    def _compose_local(self, launcher: LocalLauncher) -> None:
        """The workers of this machine, or of the cluster, and downloads of what they lack."""
        settings = self._settings
        self._supervisor = self._worker_endpoint.supervisor = Supervisor(
            clients=self._client_endpoint,
            workers=self._worker_endpoint,
            launcher=launcher if self._cluster is None else self._cluster,
            clock=self._clock,
            resolve=lambda reference: load_of(reference, self._settings),
            jitter=random.random,
            observe=self._observe,
            policy=pool_policy(settings),
            admission=self._admission(settings),
            used=lambda resolved: is_used(resolved, self._settings),
        )
        self._downloads = Downloads(
            clients=self._client_endpoint,
            egress=self._egress,
            clock=self._clock,
            plan=lambda reference: plan_of(reference, self._settings),
            observe=self._observe,
            policy=egress_policy(settings),
        )
        self._models = LocalModels(
            self._supervisor, self._downloads, self._client_endpoint, admit=self._admit
        )  # fmt: skip

    def _compose_router(self) -> None:
        settings = self._settings
        budgeted = settings.budget.day is not None or settings.budget.month is not None
        self._accounts = open_accounts(paths.store_file(), self._observe, budgeted=budgeted)
        self._providers = Providers(
            egress=self._egress,
            clock=self._clock,
            observe=self._observe,
            local_only=lambda: self._settings.local_only,
            mine=lambda: self._settings.mine,
        )
        self._doubts = DoubtFile(paths.doubts_file())
        self._machines = Providers(
            egress=self._links,
            clock=self._clock,
            observe=self._observe,
            local_only=lambda: self._settings.local_only,
            mine=lambda: self._settings.mine,
        )
        told = MachineStates(self._links, self._keep_models).of
        snapshots = self._snapshots = MachineSnapshots(
            settings, self._clock, self._accounts, self._supervisor.pool, told=told
        )
        self._router = Router(
            clients=self._client_endpoint,
            local=self._models,
            providers=Elsewhere(self._providers, self._machines),
            snapshots=snapshots,
            ledger=self._accounts,
            judge=judge,
            clock=self._clock,
            observe=self._observe,
            policy=router_policy(settings),
            doubts=self._doubts,
        )
        self._inquiries = Inquiries(
            self._client_endpoint,
            self._providers,
            snapshots.providers,
            private=self._is_private,
            mine=lambda: self._settings.mine,
        )

    def _compose_operations(self) -> None:
        endpoint = self._client_endpoint
        self._calibration = IdleCalibration(
            models=self._models,
            workers=lambda: self._supervisor.pool,
            doubts=self._doubts,
            activity=self._activity,
            clock=self._clock,
            observe=self._observe,
            policy=idle_policy(self._settings),
        )
        reports = StatusReports(
            self._identity,
            self._clock,
            clients=lambda: len(endpoint),
            memory=lambda: self._process.memory_info().rss,
            workers=lambda: self._calibration.mark(self._supervisor.statuses()),
            gateways=lambda: endpoint.gateways,
            nodes=self._nodes,
            evictions=lambda: self._supervisor.pool.admission.evictions,
        )
        self._operations = endpoint.operations = operations(
            Actors(
                clients=endpoint,
                clock=self._clock,
                look=looking(lambda: self._settings, self._loop),
                router=self._router,
                model_of=lambda request: model_of(request, self._settings),
                models=self._models,
                supervisor=self._supervisor,
                downloads=self._downloads,
                inquiries=self._inquiries,
                hub=HubQuestions(
                    endpoint,
                    self._egress,
                    self._clock,
                    private=self._is_private,
                    mine=lambda: self._settings.mine,
                ),
                status=reports.answer,
                open_requests=lambda: endpoint.open_requests,
                stop=self._stop_wanted,
                activity=self._activity,
                unread=endpoint.unread,
                free=self._memory.free,
                total=self._memory.total,
                call_off=endpoint.call_off,
                resolve=lambda reference: load_of(reference, self._settings),
                doubts=self._doubts,
                drain=self._drain,
            )
        )

    @property
    def _settings(self) -> Settings:
        return self._current.settings

    def _is_private(self) -> bool:
        """Whether nothing may leave this machine, by the settings as they are now."""
        return self._settings.private()

    def _keep_models(self, machine: str, models: Iterable[str]) -> None:
        """What another machine has, for lists that name it while nobody asks it."""
        if setting := self._settings.machines.get(machine):
            with contextlib.suppress(OSError):
                keep_models(machine, mark_of(setting), models)

    def _admit(self, job: Job) -> None:
        """What may not leave this machine does not go to workers on other nodes. Raises `AiPalError`."""
        if self._cluster is not None:
            private, mine = job.private or self._settings.private(), job.mine or self._settings.mine
            privacy.admit_on_nodes(local_only=private, mine=mine)

    def _nodes(self) -> list[wire.NodeStatus]:
        if self._cluster is None:
            return []
        from ai_pal.server.app.cluster import node_statuses

        return node_statuses(self._cluster, self._settings)

    def _drain(self, request: wire.Drain) -> wire.Event:
        if self._cluster is None:
            hint = "it is about nodes of a cluster: ai-pal cluster --help"
            return wire.Failed(request.id, [Failure(Code.BAD_REQUEST, "there is no cluster", hint)])
        try:
            self._cluster.drain(request.node, undo=request.undo)
        except AiPalError as error:
            return wire.Failed(request.id, [error.failure])
        return wire.Drained(request.id, [] if request.undo else self._supervisor.drain(request.node))

    def _take_settings(self) -> None:
        """What the config file says by now, before anything is decided by it."""
        if self._current.renewed():
            settings = self._settings
            self._snapshots.take(settings)
            self._router.take(router_policy(settings))
            self._supervisor.pool.take(pool_policy(settings))
            self._calibration.policy = idle_policy(settings)
            self._client_endpoint.identity = msgspec.structs.replace(
                self._identity, fingerprint=self._current.fingerprint
            )
            log.info("settings_changed")

    def listen_again(self, name: str) -> None:
        """Make a socket of the run directory, also in the place of one that was swept; connections that there
        are stay. Raises `AiPalError`, OSError: it cannot be had."""
        channel = self._front if name == FRONT else self._workers
        channel.listen(self._run_directory.endpoint(name), self._run_directory.listen(name))

    def start_children(self) -> None:
        """Start the gateway and the cluster process, where they belong to this supervisor."""
        self._gateways.start()
        if self._cluster is not None:
            self._cluster.start()

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
        self._client_endpoint.flush()
        self.stop()

    def _shutdown(self, drain: float) -> None:
        self._gateways.settle()
        self._calibration.shutdown()
        self._operations.shutdown(drain)
        self._egress.shutdown()
        self._links.shutdown()
        if self._cluster is not None:
            self._cluster.shutdown()
        self._check_stopped()

    @property
    def stopping(self) -> bool:
        return self._supervisor.pool.closing

    @property
    def idle(self) -> bool:
        """No client is connected that does more than look on, and no operation is busy."""
        return not self._client_endpoint.used and not self._operations.busy

    async def close(self) -> None:
        """Let the last events out, then drop the sockets."""
        self._ledger.close()  # first: who sees us gone may want the memory
        self._doubts.close()
        self._client_endpoint.flush()
        for stop in self._watches.values():
            stop()
        self._front.close(linger=FLUSH_TIMEOUT)
        self._workers.close()
        await asyncio.to_thread(self._accounts.close)
        await asyncio.to_thread(self._context.term)

    def _admission(self, settings: Settings) -> Admits:
        self._ledger = PromiseFile(paths.ledger_file())
        footprints = LearnedFootprints(paths.peaks_file())
        self._memory = MachineMemory()
        if self._cluster is not None:
            from ai_pal.server.app.cluster import node_admission

            return node_admission(self._cluster, footprints, settings, self._clock)
        return Admission(self._memory, self._ledger, footprints, memory_policy(settings), CardsHere())

    def _alarm(self) -> None:
        self._operations.tick()
        self._calibration.tick()
        self._providers.tick()
        self._machines.tick()
        self._egress.tick()
        self._links.tick()
        if self._cluster is not None:
            self._cluster.tick()
        self._gateways.tick()
        self._client_endpoint.tick()
        self._check_stopped()

    def _check_stopped(self) -> None:
        if not self.stopping or self._operations.busy:
            return
        if any(process.running for process in self._worker_endpoint.outgoing):
            return
        self._client_endpoint.flush()  # the ends of answers, which gateways pass on
        self._gateways.stop()
        if not self._gateways.running:
            self.stopped.set()

    def _from_client(self, client: bytes, frames: list[Blob], peer: Peer | None, more: bool) -> None:
        self._take_settings()
        self._client_endpoint.received(client, frames, peer, more)

    def _from_worker(self, worker: bytes, frames: list[Blob], peer: Peer | None, more: bool) -> None:
        self._worker_endpoint.received(worker, [bytes_of(frame) for frame in frames], peer)

    def _request_flush(self) -> None:
        self._loop.call_soon(self._client_endpoint.flush)

    def _watch_client(self, client: bytes, peer: Peer | None) -> None:
        if peer is not None and peer.pid and client not in self._watches:
            self._watches[client] = self._processes.watch(
                peer.pid, lambda: self._client_endpoint.gone(client)
            )

    def _unwatch_client(self, client: bytes) -> None:
        stop_watching = self._watches.pop(client, None)
        if stop_watching is not None:
            stop_watching()

    def _observe(self, event: str, **fields: object) -> None:
        log.info(event, **fields)
        self._activity.observed(event, fields)
        if event == PULLED:
            self._snapshots.look_anew()

    def _worker_line(self, worker: str, line: str) -> None:
        level, event, fields = logs.worker_line(line)
        model_worker = self._supervisor.pool.of_worker(worker)
        model = model_worker.model if model_worker else ""
        log.log(LEVELS[level], event, **fields | {"worker": worker, "model": model})


LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
