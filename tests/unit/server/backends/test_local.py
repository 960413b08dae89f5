"""This machine as a backend: workers, and downloads of what they lack."""

from collections.abc import Callable

import pytest

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.errors import Code, Failure, fail
from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.protocol.content import Message
from ai_pal.server.backends.local import Follower, LocalModels
from ai_pal.server.jobs import Handle, Job, Pull
from ai_pal.server.pool.supervisor import Supervisor
from tests.endpoints import NoWorkers, SilentLauncher
from tests.simulation.clock import VirtualClock
from tests.unit.server.pool.test_jobs import Heard

ANN = b"ann"
FAR = Job(work=inner.Generate(0, [Message("user", "hi")]), model="far", pull=Pull(5, {"PIP_INDEX_URL": "x"}))


class World:
    """Implements `Fetch` and `Clients`. `far` is here once `here` is true."""

    def __init__(self) -> None:
        self.here = False
        self.followers: list[Follower] = []
        self.loads: list[Callable[[], None]] = []
        self.left: list[Follower] = []
        self.told: list[wire.Event] = []
        clock = VirtualClock()
        self.supervisor = Supervisor(
            clients=self,
            workers=NoWorkers(),
            launcher=SilentLauncher(clock),
            clock=clock,
            resolve=self._resolve,
            jitter=lambda: 0.5,
            observe=lambda event, **fields: None,
        )
        self.models = LocalModels(self.supervisor, self, self)

    def _resolve(self, reference: str) -> Resolved:
        if not self.here:
            fail(Code.MODEL_NOT_HERE, f"{reference} is not on this machine")
        return Resolved(inner.LoadModel(reference, "echo"))

    def send(self, client: bytes, event: wire.Event) -> None:
        self.told.append(event)

    def follow(self, follower: Follower, reference: str) -> None:
        self.followers.append(follower)
        follower.pulling(wire.Pulling(0, reference))

    def leave(self, follower: Follower) -> None:
        self.left.append(follower)

    def fetch_first(self, client: bytes, request: wire.Load, then: Callable[[], None]) -> None:
        self.loads.append(then)

    def start(self, job: Job) -> tuple[Heard, Handle]:
        heard = Heard()
        return heard, self.models.start(job, heard)


@pytest.fixture
def world() -> World:
    return World()


def test_a_model_that_is_not_here_is_downloaded_before_the_job_is_accepted(world: World) -> None:
    heard, handle = world.start(FAR)
    assert heard.words == ["pulling"]
    assert world.followers[0].pull == FAR.pull
    world.here = True
    world.followers[0].here(wire.Pulled(0, "far", "/p"))
    assert heard.words == ["pulling", "accepted", "loading"]
    assert handle.dispatched_at is None
    handle.cancel()
    assert heard.words[-1] == "cancelled"
    assert world.left == []


def test_it_is_downloaded_once_only(world: World) -> None:
    heard, _ = world.start(FAR)
    world.followers[0].here(wire.Pulled(0, "far", "/p"))
    assert heard.words == ["pulling", "failed"]
    assert heard.failure is not None
    assert heard.failure.code == Code.MODEL_NOT_HERE
    assert len(world.followers) == 1


def test_who_is_called_off_follows_no_download_any_more(world: World) -> None:
    heard, handle = world.start(FAR)
    handle.cancel()
    handle.cancel()
    assert world.left == world.followers
    assert heard.words == ["pulling"]


def test_a_download_that_fails_is_a_refusal(world: World) -> None:
    heard, handle = world.start(FAR)
    world.followers[0].failed(Failure(Code.OFFLINE, "no network"))
    assert heard.words == ["pulling", "failed"]
    handle.cancel()
    assert world.left == []


def test_nothing_is_downloaded_unasked(world: World) -> None:
    heard, handle = world.start(Job(work=FAR.work, model="far"))
    assert heard.words == ["failed"]
    handle.cancel()
    assert world.followers == []


def test_a_load_is_downloaded_first_if_it_says_so(world: World) -> None:
    world.models.load(ANN, wire.Load(1, "far"))
    assert isinstance(world.told[-1], wire.Failed)
    world.models.load(ANN, wire.Load(2, "far", pull=True))
    assert len(world.told) == 1
    world.loads[0]()
    assert world.told[-1] == wire.Failed(2, [Failure(Code.MODEL_NOT_HERE, "far is not on this machine")])
    world.models.load(ANN, wire.Load(3, "far", pull=True))
    world.here = True
    world.loads[-1]()
    assert world.supervisor.pool.find("far") is not None
