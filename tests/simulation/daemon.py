"""The daemon of the simulation: what `ai_pal.server.app.daemon` puts together, over ports of the world."""

from pathlib import Path
from typing import TYPE_CHECKING

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.server.backends.local import LocalModels
from ai_pal.server.backends.providers import Providers
from ai_pal.server.children.egress import EgressProcess
from ai_pal.server.endpoints.clients import ClientEndpoint
from ai_pal.server.endpoints.workers import WorkerEndpoint
from ai_pal.server.pool.supervisor import Supervisor
from ai_pal.server.services.activity import Activity
from ai_pal.server.services.downloads import Downloads
from ai_pal.server.services.hub import HubQuestions
from ai_pal.server.services.inquiries import Inquiries
from ai_pal.server.services.operations import Actors, operations
from ai_pal.server.services.status import Identity, StatusReports
from ai_pal.store.doubts import DoubtFile
from tests.local_router import OnlyHere
from tests.simulation.elsewhere import EGRESS, PATIENT, PROVIDERS_POLICY, ROUTER
from tests.simulation.plans import POLICY
from tests.simulation.routing_checks import WatchedBackend, WatchedRouter
from tests.simulation.snapshots import SimSnapshots, judge

if TYPE_CHECKING:
    from tests.simulation.world import World

NOWHERE = Path("/dev/null/doubts.json")
UID = 1000
BACKLOG = 2000
DRAIN = 3.0
STOP_SECONDS = (
    max(POLICY.worker.save_timeout, DRAIN + max(POLICY.worker.terminate_timeout, EGRESS.term)) + 0.3
)
"""How long a stop may take."""


class SimDaemon:
    """The actors as they run in a supervisor; nothing in them knows that the world is none."""

    def __init__(self, world: "World") -> None:
        self._world, self._clock = world, world.clock
        identity = Identity("sim", 1, UID, "sim")
        self.activity = Activity(world.clock)
        self.endpoint = ClientEndpoint(
            activity=self.activity,
            identity=identity,
            clock=world.clock,
            send_frames=world.to_client,
            request_flush=lambda: world.time.after(0.0, self.endpoint.flush),
            backlog_limit=BACKLOG,
            left=world.cut_off,
        )
        self.worker_endpoint = WorkerEndpoint(world.to_worker, world.observe)
        self.egress = EgressProcess(
            world.machine, self.worker_endpoint.send_egress, world.clock, world.observe, EGRESS, dict
        )
        self.worker_endpoint.outgoing = (self.egress,)
        self._compose_local()
        self._compose_router()
        reports = StatusReports(
            identity,
            world.clock,
            clients=lambda: len(self.endpoint),
            memory=lambda: 0,
            workers=self.supervisor.statuses,
            gateways=lambda: self.endpoint.gateways,
        )
        self.operations = self.endpoint.operations = operations(
            Actors(
                clients=world,
                clock=world.clock,
                look=lambda told: world.time.after(0.01, lambda: told([])),
                router=self.router,
                model_of=lambda request: "sound",
                models=self.models,
                supervisor=self.supervisor,
                downloads=self.downloads,
                inquiries=Inquiries(world, self.providers, list),
                hub=HubQuestions(world, self.egress, world.clock),
                status=reports.answer,
                open_requests=lambda: self.endpoint.open_requests,
                stop=world.shutdown,
                activity=self.activity,
                unread=self.endpoint.unread,
                free=world.memory.free,
                total=lambda: world.memory.capacity,
                call_off=self.endpoint.call_off,
                resolve=self._resolve,
                doubts=DoubtFile(NOWHERE),
                drain=lambda request: wire.Drained(request.id, self.supervisor.drain(request.node)),
            )
        )

    def _compose_local(self) -> None:
        world = self._world
        self.supervisor = self.worker_endpoint.supervisor = Supervisor(
            clients=world,
            workers=self.worker_endpoint,
            launcher=world.machine,
            clock=self._clock,
            resolve=self._resolve,
            jitter=world.dice.random,
            observe=world.observe,
            policy=POLICY,
            admission=world.memory.admission(),
        )
        self.downloads = Downloads(
            clients=world,
            egress=self.egress,
            clock=self._clock,
            plan=world.hub.plan,
            observe=world.observe,
            policy=EGRESS,
        )
        self.models = LocalModels(self.supervisor, self.downloads, world)

    def _compose_router(self) -> None:
        world = self._world
        self.providers = Providers(
            egress=self.egress, clock=world.clock, observe=world.observe, policy=PROVIDERS_POLICY
        )
        self.router = WatchedRouter(
            world.routing,
            clients=world,
            local=WatchedBackend(self.models, world.routing),
            providers=WatchedBackend(self.providers, world.routing),
            snapshots=SimSnapshots(tuple(world.tempers)) if world.tiers else OnlyHere(),
            ledger=world,
            judge=judge,
            clock=self._clock,
            observe=world.observe,
            policy=PATIENT if world.doubts.late else ROUTER,
            doubts=world.doubts,
        )

    @property
    def stopping(self) -> bool:
        return self.supervisor.pool.closing

    @property
    def quiet(self) -> bool:
        """Nothing runs any more, and nobody is owed anything."""
        return not self.operations.busy and not self.egress.running

    def shutdown(self) -> None:
        """As SIGTERM does."""
        self.operations.shutdown(DRAIN)
        self.egress.shutdown()

    def tick(self) -> None:
        self.operations.tick()
        self.providers.tick()
        self.egress.tick()
        self.endpoint.tick()

    def _resolve(self, reference: str) -> Resolved:
        if reference not in self._world.tempers:
            raise AiPalError(Failure(Code.MODEL_NOT_FOUND, f"there is no model {reference!r}"))
        if self._world.hub.lacks(reference):
            raise AiPalError(Failure(Code.MODEL_NOT_HERE, f"{reference} is not on this machine"))
        temper = self._world.tempers[reference]
        return Resolved(
            inner.LoadModel(reference, "echo"),
            size=1_000_000_000,
            replicas=temper.replicas,
            most_replicas=temper.most_replicas,
        )
