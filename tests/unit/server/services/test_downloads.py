"""The downloads actor, against a scripted egress process and a clock of its own."""

import pytest

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as out
from ai_pal.protocol.client import Event
from ai_pal.protocol.wanted import HubFiles
from ai_pal.server.jobs import Pull
from ai_pal.server.nodes.base import ExitStatus
from ai_pal.server.services.download import Plan
from ai_pal.server.services.downloads import Downloads
from tests.unit.server.egress_world import POLICY, EgressWorld

GB = 1_000_000_000
A, B = b"client a", b"client b"


class World(EgressWorld):
    """Clients, launcher and clock."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[bytes, Event]] = []
        self.resumed: list[int] = []
        self.downloads = Downloads(
            clients=self,
            egress=self.egress,
            clock=self,
            plan=self._plan,
            observe=lambda event, **fields: None,
            policy=POLICY,
        )

    def send(self, client: bytes, event: Event) -> None:
        self.events.append((client, event))

    def _plan(self, reference: str) -> Plan:
        if reference == "here":
            return Plan("here", path="/here", size=5)
        if reference == "unknown":
            raise AiPalError(Failure(Code.MODEL_NOT_FOUND, "no"))
        size = GB if reference == "large" else 0
        return Plan(reference, "/cache", HubFiles(f"org/{reference}"), size=size)

    def pull(self, client: bytes, request_id: int, model: str = "m") -> None:
        self.downloads.start(client, wire.Pull(request_id, model))

    def heard(self, client: bytes) -> list[Event]:
        return [event for owner, event in self.events if owner == client]

    def tick(self) -> None:
        self.downloads.tick()
        super().tick()


@pytest.fixture
def world() -> World:
    return World()


def test_a_model_that_is_here_starts_no_process(world: World) -> None:
    world.pull(A, 1, "here")
    assert world.heard(A) == [wire.Pulled(1, "here", "/here", 5)]
    assert world.processes == []


def test_an_unknown_model_fails_without_a_process(world: World) -> None:
    world.pull(A, 1, "unknown")
    assert isinstance(world.heard(A)[-1], wire.Failed)
    assert world.processes == []


def test_a_fetch_waits_for_the_hello_and_is_sent_once(world: World) -> None:
    world.pull(A, 1)
    world.pull(B, 4)
    assert world.sent == []
    world.hello()
    world.egress.message(out.EgressBeat())
    assert world.sent == [out.Fetch(1, "m", "/cache", HubFiles("org/m"))]


def test_all_followers_hear_progress_and_end(world: World) -> None:
    world.pull(A, 1)
    world.pull(B, 4)
    world.hello()
    world.egress.message(out.FetchProgress(1, 10, 100, 1))
    world.egress.message(out.Fetched(1, "/p", 100, "c"))
    for client, request_id in ((A, 1), (B, 4)):
        *_, progress, end = world.heard(client)
        assert progress == wire.Pulling(request_id, "m", 10, 100)
        assert end == wire.Pulled(request_id, "m", "/p", 100, commit="c")


def test_speed_and_remaining_time_are_those_of_the_last_seconds(world: World) -> None:
    world.pull(A, 1)
    world.hello()
    for second in range(21):
        world.time = float(second)
        rate = 1_000_000 if second <= 10 else 3_000_000
        done = second * 1_000_000 if second <= 10 else 10_000_000 + (second - 10) * rate
        world.egress.message(out.FetchProgress(1, done, 100_000_000, second))
    last = world.heard(A)[-1]
    assert isinstance(last, wire.Pulling)
    assert last.speed == pytest.approx(3_000_000)
    assert last.remaining == pytest.approx(20)


def test_the_download_lives_as_long_as_one_follower(world: World) -> None:
    world.pull(A, 1)
    world.pull(B, 4)
    world.hello()
    assert world.downloads.cancel(A, 1)
    assert world.heard(A)[-1] == wire.Cancelled(1)
    assert not any(isinstance(message, out.CancelFetch) for message in world.sent)
    world.downloads.client_gone(B)
    assert world.sent[-1] == out.CancelFetch(1)
    assert len(world.downloads) == 0


def test_a_client_that_reads_too_slowly_hears_the_end_of_its_pull(world: World) -> None:
    slow = Failure(Code.CLIENT_TOO_SLOW, "read faster")
    world.pull(A, 1)
    world.pull(B, 4)
    world.hello()
    world.downloads.client_gone(A, slow)
    assert world.heard(A)[-1] == wire.Failed(1, [slow])
    assert isinstance(world.heard(B)[-1], wire.Pulling)
    assert not any(isinstance(message, out.CancelFetch) for message in world.sent)


def test_a_process_that_dies_is_replaced_once(world: World) -> None:
    world.pull(A, 1)
    world.hello()
    world.processes[0].on_exit(ExitStatus(signal=9))
    assert len(world.processes) == 2
    world.hello()
    assert len([message for message in world.sent if isinstance(message, out.Fetch)]) == 2
    world.processes[1].on_exit(ExitStatus(signal=9))
    end = world.heard(A)[-1]
    assert isinstance(end, wire.Failed)
    assert end.reasons[0].code == Code.WORKER_DIED
    assert end.reasons[0].detail == "last words"
    assert len(world.processes) == 2


def test_a_download_without_progress_fails_after_the_stall_budget(world: World) -> None:
    world.pull(A, 1)
    world.hello()
    for step in range(4):
        world.pass_time_with_beats(POLICY.stall - 1)
        world.egress.message(out.FetchProgress(1, 0, 100, step))
    assert len(world.downloads) == 1
    world.pass_time_with_beats(POLICY.stall)
    end = world.heard(A)[-1]
    assert isinstance(end, wire.Failed)
    assert end.reasons[0].code == Code.DOWNLOAD_FAILED
    assert out.CancelFetch(1) in world.sent


def test_a_silent_process_is_ended_and_killed(world: World) -> None:
    world.pull(A, 1)
    world.hello()
    world.pass_time(POLICY.beat)
    assert world.processes[0].signals == ["term"]
    world.pass_time(POLICY.term)
    assert world.processes[0].signals == ["term", "kill"]
    world.processes[0].on_exit(ExitStatus(signal=9))
    assert len(world.processes) == 2


def test_a_process_that_never_says_hello_is_ended(world: World) -> None:
    world.pull(A, 1)
    world.pass_time(POLICY.start)
    assert world.processes[0].signals == ["term"]


def test_an_idle_process_is_ended_and_nothing_is_left(world: World) -> None:
    world.pull(A, 1)
    world.hello()
    world.egress.message(out.Fetched(1, "/p", 1))
    world.egress.message(out.EgressBeat())
    world.pass_time(POLICY.idle - 0.1)
    assert world.processes[0].signals == []
    world.pass_time(0.2)
    assert world.processes[0].signals == ["term"]
    world.processes[0].on_exit(ExitStatus(signal=15))
    assert not world.egress.running


def test_work_that_comes_while_the_process_leaves_gets_a_new_one(world: World) -> None:
    world.pull(A, 1)
    world.hello()
    world.egress.message(out.Fetched(1, "/p", 1))
    world.pass_time(POLICY.idle)
    world.pull(A, 2, "other")
    world.processes[0].on_exit(ExitStatus(signal=15))
    assert len(world.processes) == 2
    world.hello()
    assert world.sent[-1] == out.Fetch(2, "other", "/cache", HubFiles("org/other"))


def test_shutdown_fails_what_runs_and_refuses_what_comes(world: World) -> None:
    world.pull(A, 1)
    world.hello()
    world.downloads.shutdown()
    world.egress.shutdown()
    world.pull(B, 2)
    for client in (A, B):
        end = world.heard(client)[-1]
        assert isinstance(end, wire.Failed)
        assert end.reasons[0].code == Code.SHUTTING_DOWN
    world.processes[0].on_exit(ExitStatus(signal=15))
    assert not world.egress.running


def test_a_process_that_cannot_be_started_fails_the_pull(world: World) -> None:
    world.refuse_spawn = True
    world.pull(A, 1)
    assert isinstance(world.heard(A)[-1], wire.Failed)
    assert len(world.downloads) == 0


def load(world: World, request_id: int, limit: int, model: str = "m") -> None:
    request = wire.Load(request_id, model, pull=True, pull_limit=limit)
    world.downloads.fetch_first(A, request, lambda: world.resumed.append(request_id))


def test_a_load_goes_on_when_its_model_is_here(world: World) -> None:
    load(world, 1, 0)
    world.hello()
    world.egress.message(out.Fetched(1, "/p", 1))
    assert world.resumed == [1]


class Job:
    """A follower that is no client: one that waits for the model of a job."""

    pull = Pull()

    def __init__(self) -> None:
        self.heard: list[str] = []

    def pulling(self, event: wire.Pulling) -> None:
        self.heard.append("pulling")

    def here(self, event: wire.Pulled) -> None:
        self.heard.append("here")

    def failed(self, failure: Failure) -> None:
        self.heard.append(failure.code)


def test_a_job_follows_as_clients_do_and_is_none_of_theirs(world: World) -> None:
    job, other = Job(), Job()
    world.downloads.follow(job, "m")
    world.downloads.follow(other, "m")
    world.hello()
    assert not world.downloads.cancel(A, 1)
    world.downloads.client_gone(A)
    world.downloads.leave(other)
    world.egress.message(out.Fetched(1, "/p", 1))
    assert (job.heard, other.heard) == (["pulling", "here"], ["pulling"])


def test_the_last_job_that_leaves_takes_the_download_along(world: World) -> None:
    job = Job()
    world.downloads.follow(job, "m")
    world.hello()
    world.downloads.leave(job)
    assert world.sent[-1] == out.CancelFetch(1)
    assert job.heard == ["pulling"]


def test_a_known_size_over_the_limit_is_refused_without_a_process(world: World) -> None:
    load(world, 1, 1000, "large")
    size, end = world.heard(A)
    assert size == wire.Pulling(1, "large", total=GB)
    assert isinstance(end, wire.Failed)
    assert end.reasons[0].code == Code.MODEL_NOT_HERE
    assert world.processes == []


def test_who_agreed_to_any_size_is_not_held_back_by_who_did_not(world: World) -> None:
    load(world, 1, 1000)
    world.hello()
    world.pull(B, 2)
    world.egress.message(out.FetchFailed(1, Failure(Code.MODEL_NOT_HERE, "too large")))
    assert isinstance(world.heard(A)[-1], wire.Failed)
    assert world.sent[-1] == out.Fetch(1, "m", "/cache", HubFiles("org/m"), 0)
    world.egress.message(out.Fetched(1, "/p", 1))
    assert isinstance(world.heard(B)[-1], wire.Pulled)
