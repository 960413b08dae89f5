"""The one table of operations: which service carries out which request."""

from collections.abc import Callable, Iterator, Mapping

import msgspec

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.errors import Failure
from ai_pal.protocol import client as wire
from ai_pal.server.backends.local import LocalModels
from ai_pal.server.pool.supervisor import Supervisor
from ai_pal.server.ports import Clients, Clock
from ai_pal.server.router.router import Router
from ai_pal.server.services.activity import Activity
from ai_pal.server.services.base import AtOnce, Service
from ai_pal.server.services.calibrating import Calibrations
from ai_pal.server.services.call_offs import CallOffs
from ai_pal.server.services.chats import Chats
from ai_pal.server.services.downloads import Downloads
from ai_pal.server.services.hub import HubQuestions
from ai_pal.server.services.inquiries import Inquiries
from ai_pal.server.services.jobs import Jobs, ModelOf
from ai_pal.server.services.loading import Loading
from ai_pal.server.services.models import Look, ModelLists
from ai_pal.server.services.ratings import Ratings
from ai_pal.server.services.stops import Stops
from ai_pal.server.services.subscriptions import Subscriptions
from ai_pal.store.doubts import DoubtFile


class Actors(msgspec.Struct, frozen=True):
    """What the services are made of. `status` answers how the supervisor stands, `open_requests` counts those
    of all clients for which it stays, `model_of` says which model is meant where a job names none, `stop`
    lets what was said go out and begins the end. `activity` is what is open and happens, `unread` tells how
    many bytes a client lets wait, `free` the memory that loads can have, `total` what they could ever have.
    `call_off` stops the request of a key, for the client that wants it, `resolve` says what a model's name
    means here, `doubts` is what is known of models' doubts. `drain` has a node left alone."""

    clients: Clients
    clock: Clock
    look: Look
    router: Router
    models: LocalModels
    model_of: ModelOf
    supervisor: Supervisor
    downloads: Downloads
    inquiries: Inquiries
    hub: HubQuestions
    status: Callable[[wire.Status], wire.StatusReply]
    open_requests: Callable[[], int]
    stop: Callable[[], None]
    activity: Activity
    unread: Callable[[bytes], int]
    free: Callable[[], int]
    total: Callable[[], int]
    call_off: Callable[[bytes, str], bool]
    resolve: Callable[[str], Resolved]
    doubts: DoubtFile
    drain: Callable[[wire.Drain], wire.Event]


def operations(actors: Actors) -> "Operations":
    """Every operation has its line here, and nowhere else."""
    chats = Chats(actors.router)
    jobs = Jobs(actors.clients, actors.models, actors.model_of, leaves=actors.models.leaves)
    loading = Loading(actors.models, actors.supervisor, actors.downloads)
    return Operations(
        {
            wire.Chat: chats,  # before the pool: what its attempts run on
            wire.Complete: jobs,
            wire.Embed: jobs,
            wire.Rerank: jobs,
            wire.CountTokens: jobs,
            wire.Load: loading,
            wire.Unload: loading,
            wire.Route: AtOnce(actors.clients, actors.router.explain),
            wire.Drain: AtOnce(actors.clients, actors.drain),
            wire.Rate: Ratings(actors.clients, actors.router.rate),
            wire.Pull: actors.downloads,
            wire.Providers: actors.inquiries,
            wire.Search: actors.hub,
            wire.Revisions: actors.hub,
            wire.Models: ModelLists(actors.clients, actors.clock, actors.look),
            wire.Status: AtOnce(actors.clients, actors.status),
            wire.Stop: Stops(actors.clients, actors.open_requests, actors.stop),
            wire.Subscribe: Subscriptions(
                clients=actors.clients,
                clock=actors.clock,
                activity=actors.activity,
                computing=(chats, jobs),
                status=actors.status,
                downloads=actors.downloads.statuses,
                unread=actors.unread,
                free=actors.free,
                total=actors.total,
            ),
            wire.CallOff: CallOffs(actors.clients, actors.call_off),
            wire.Calibrate: Calibrations(
                actors.clients, actors.models, actors.resolve, actors.doubts, actors.clock
            ),
        }
    )


class Operations:
    """The services by the type of request, and all of them as one."""

    def __init__(self, services: Mapping[type[wire.Request], Service]) -> None:
        self._by_type = dict(services)
        self._services = list(dict.fromkeys(services.values()))

    def __iter__(self) -> Iterator[type[wire.Request]]:
        return iter(self._by_type)

    def of(self, request: wire.Request) -> Service | None:
        """Who carries it out; None: nobody here."""
        return self._by_type.get(type(request))

    @property
    def names(self) -> list[str]:
        """The types of requests that are carried out here, as they are called on the wire."""
        return [str(kind.__struct_config__.tag) for kind in self._by_type]

    @property
    def busy(self) -> bool:
        return any(service.busy for service in self._services)

    def client_gone(self, client: bytes, failure: Failure | None = None) -> None:
        for service in self._services:
            service.client_gone(client, failure)

    def tick(self) -> None:
        for service in self._services:
            service.tick()

    def shutdown(self, drain: float) -> None:
        for service in self._services:
            service.shutdown(drain)
