"""A model with replicas in a supervisor: they share its requests, and come and go together or one by one."""

from collections.abc import Callable, Sequence

import msgspec
import pytest

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.errors import Code, Failure
from ai_pal.memory import Claims
from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.protocol.content import Message
from ai_pal.protocol.usage import Usage
from ai_pal.server.jobs import Job
from ai_pal.server.nodes.base import ExitStatus, LaunchSpec
from ai_pal.server.pool.admission.admission import Admission, MemoryPolicy, places
from ai_pal.server.pool.jobs.job import WorkerJob
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.pool.policy import PoolPolicy
from ai_pal.server.pool.supervisor import Supervisor
from ai_pal.transport.sockets import Blob
from tests.endpoints import NoProcess
from tests.simulation.clock import VirtualClock
from tests.unit.server.pool.test_jobs import Heard

NEED = 60
ME = b"me"


class Process(NoProcess):
    """Ends soon after it is told to."""

    def __init__(self, clock: VirtualClock, end: Callable[[ExitStatus], None]) -> None:
        self.clock, self.end, self.ended = clock, end, False

    def terminate(self) -> None:
        self.clock.time.after(0.0, lambda: self.dies(15))

    def kill(self) -> None:
        self.clock.time.after(0.0, self.dies)

    def dies(self, signal: int = 9) -> None:
        if not self.ended:
            self.ended = True
            self.end(ExitStatus(signal=signal))


class World:
    """A supervisor with one model. `sent` is who was given which request to compute, `heard` what a client
    that loads and unloads was told, `free` bytes of memory, of which each load takes 60."""

    def __init__(self, least: int = 2, most: int = 2, slots: int = 1, free: int = 1000) -> None:
        self.bounds, self.slots, self._free = (least, most), slots, free
        self.processes: dict[str, Process] = {}
        self.sent: list[tuple[str, int]] = []
        self.heard: list[wire.Event] = []
        self.observed: list[str] = []
        self.clock = VirtualClock()
        self.supervisor = Supervisor(
            clients=self,  # type: ignore[arg-type]
            workers=self,
            launcher=self,
            clock=self.clock,
            resolve=self.resolve,
            jitter=lambda: 0.5,
            observe=lambda event, **fields: self.observed.append(event),
            policy=PoolPolicy(keep_alive=300.0),
            admission=Admission(self, self, self, MemoryPolicy()),
        )
        self.clock.alarm = self.supervisor.tick

    def resolve(self, reference: str) -> Resolved:
        if reference == "other":
            return Resolved(inner.LoadModel("other", "echo"))
        least, most = self.bounds
        return Resolved(inner.LoadModel("echo", "echo"), replicas=least, most_replicas=most)

    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> Process:
        process = self.processes[spec.worker] = Process(self.clock, on_exit)
        return process

    def send(self, who: str | bytes, message: object, blobs: Sequence[Blob] = ()) -> bool:
        if isinstance(message, wire.Event):
            self.heard.append(message)
        elif isinstance(message, inner.Generate):
            self.sent.append((self.name_of(str(who)), message.key))
        return True

    # -- memory ------------------------------------------------------------------------------------

    def free(self) -> int:
        return self._free

    def pressure(self) -> float:
        return 0.0

    def enter(self) -> Claims:
        return Claims()

    def leave(self, mine: Claims) -> None: ...

    def need(self, load: inner.LoadModel) -> int:
        return NEED

    def headroom(self, load: inner.LoadModel) -> int:
        return 0

    def reads(self, load: inner.LoadModel) -> float:
        return 0.0

    def learn(self, load: inner.LoadModel, peak: int, *, resident: int = 0, reads: float = 0.0) -> None: ...

    # -- what a test says and asks -----------------------------------------------------------------

    def name_of(self, identity: str) -> str:
        worker = self.supervisor.pool.of_worker(identity)
        assert worker is not None
        return worker.name

    def worker(self, name: str) -> ModelWorker:
        worker = self.supervisor.pool.find(name)
        assert worker is not None
        return worker

    def chat(self, *turns: str) -> tuple[Heard, WorkerJob]:
        roles = ("user", "assistant")
        messages = [Message(roles[n % 2], turn) for n, turn in enumerate(turns or ("hi",))]  # type: ignore[arg-type]
        heard = Heard()
        return heard, self.supervisor.start(Job(work=inner.Generate(0, messages), model="echo"), heard)

    def says(self, name: str, message: inner.FromWorker) -> None:
        self.supervisor.worker_message(self.worker(name).identity, message)

    def ready(self, *names: str) -> None:
        for name in names:
            self.says(name, inner.WorkerHello(1))
            self.says(name, inner.Ready(self.slots, 100, abilities=["chat"]))

    def wait(self, seconds: float) -> None:
        """Time passes, in which all workers beat."""
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            self.clock.run(min(end, self.clock.now() + 1.0))
            for worker in self.supervisor.pool:
                if worker.state.phase is Phase.READY:
                    self.says(worker.name, inner.Beat(int(self.clock.now() * 10), 0))

    def content(self, name: str, job: WorkerJob) -> None:
        text = msgspec.Raw(msgspec.msgpack.encode("word"))
        self.says(name, inner.Deltas([inner.DeltaItem(job.key, 0, 1, text)]))

    def answers(self, name: str, job: WorkerJob) -> None:
        self.says(name, inner.GenerationDone(job.key, "stop", Usage(1, 0, 0), -1))

    def dies(self, name: str) -> None:
        self.processes[self.worker(name).identity].dies()

    @property
    def loaded(self) -> dict[str, str]:
        return {one.model: one.state for one in self.supervisor.statuses()}


def test_a_model_without_replicas_has_one_worker_of_its_name() -> None:
    world = World(1, 1)
    world.chat()
    world.chat()
    world.ready("echo")
    world.wait(30.0)
    assert world.loaded == {"echo": "busy"}


def test_all_that_there_have_to_be_come_with_the_first_request_and_answer_side_by_side() -> None:
    world = World()
    _, first = world.chat("one")
    _, second = world.chat("two")
    assert world.loaded == {"echo": "starting", "echo#2": "starting"}
    world.ready("echo", "echo#2")
    assert world.sent == [("echo", first.key), ("echo#2", second.key)]


def test_a_second_turn_goes_to_who_has_read_the_first() -> None:
    world = World(slots=2)
    jobs = [world.chat(turn)[1] for turn in ("one", "two")]
    world.ready("echo", "echo#2")
    for (name, _), job in zip(list(world.sent), jobs, strict=True):
        world.answers(name, job)
    for turn, (name, _) in zip(("two", "one"), reversed(world.sent[:2]), strict=True):
        _, job = world.chat(turn, "an answer", "and then?")
        assert world.sent[-1] == (name, job.key)
        world.answers(name, job)


def test_what_a_replica_had_read_is_forgotten_with_its_process() -> None:
    world = World(slots=2)
    _, job = world.chat("one")
    world.ready("echo#2", "echo")
    assert world.sent == [("echo#2", job.key)]
    world.answers("echo#2", job)
    world.dies("echo#2")
    world.wait(1.0)
    world.ready("echo#2")
    world.chat("one", "an answer", "and then?")
    assert world.sent[-1][0] == "echo"


def test_what_one_had_begun_without_content_goes_to_the_other_and_content_is_kept() -> None:
    world = World(slots=2)
    chats = [world.chat(str(number)) for number in range(5)]
    world.ready("echo", "echo#2")
    mine = [key for name, key in world.sent if name == "echo"]
    begun, still = (next(chat for chat in chats if chat[1].key == key) for key in mine)
    world.content("echo", begun[1])
    for name, key in world.sent[2:]:
        if name == "echo#2":
            world.answers("echo#2", next(job for _, job in chats if job.key == key))
    world.dies("echo")
    assert begun[0].failure is not None
    assert begun[0].failure.code == Code.WORKER_DIED
    assert still[0].failure is None
    assert "notice" in still[0].words
    assert ("echo#2", still[1].key) in world.sent


def test_who_waits_is_answered_by_those_that_are_left() -> None:
    world = World()
    chats = [world.chat(str(number)) for number in range(4)]
    world.ready("echo", "echo#2")
    world.dies("echo")
    for _ in range(4):
        name, key = world.sent[-1]
        assert name == "echo#2"
        world.answers(name, next(job for _, job in chats if job.key == key))
    ended = [heard.words[-1] for heard, _ in chats]
    assert ended == ["done"] * 4, "the one that had run on the dead one too"


def test_a_crashed_one_comes_back_while_there_are_too_few() -> None:
    world = World()
    world.chat()
    world.ready("echo", "echo#2")
    world.dies("echo#2")
    world.wait(1.0)
    assert world.loaded["echo#2"] == "starting"


def test_one_more_comes_for_a_queue_and_goes_when_it_is_idle() -> None:
    world = World(1, 2)
    _, first = world.chat()
    world.ready("echo")
    _, second = world.chat()
    world.wait(1.9)
    assert "echo#2" not in world.loaded
    world.wait(0.2)
    assert world.loaded == {"echo": "busy", "echo#2": "starting"}
    world.ready("echo#2")
    assert world.sent[-1] == ("echo#2", second.key)
    world.answers("echo#2", second)
    world.wait(59.0)
    assert "echo#2" in world.loaded
    world.wait(1.1)
    assert world.loaded == {"echo": "busy"}
    world.answers("echo", first)


def test_without_memory_there_is_no_other_one_and_it_is_said() -> None:
    world = World(free=NEED + NEED // 2)
    heard, job = world.chat()
    assert world.loaded == {"echo": "starting"}
    world.ready("echo")
    world.answers("echo", job)
    assert heard.words[-1] == "done"
    (status,) = world.supervisor.statuses()
    assert status.reason.startswith("no other replica for now: echo#2 needs")
    world._free = 1000
    world.wait(16.0)
    assert world.loaded == {"echo": "ready", "echo#2": "starting"}
    assert all(not one.reason for one in world.supervisor.statuses())


def test_no_other_model_goes_for_one_more_replica() -> None:
    world = World(free=2 * NEED)
    world.supervisor.load(ME, wire.Load(5, "other"))
    world.ready("other")
    world.chat()
    world.ready("echo")
    world.wait(60.0)
    assert world.loaded == {"other": "ready", "echo": "busy"}
    world.supervisor.unload(ME, wire.Unload(6, "other"))
    world.wait(16.0)
    assert world.loaded == {"echo": "busy", "echo#2": "starting"}


def test_a_replica_that_cannot_be_loaded_fails_nobody_and_is_not_tried_all_the_time() -> None:
    world = World()
    heard, job = world.chat()
    world.ready("echo")
    for _ in range(3):
        world.says("echo#2", inner.WorkerHello(1))
        world.says("echo#2", inner.LoadFailed(Failure(Code.MODEL_INVALID, "damaged")))
        world.processes[world.worker("echo#2").identity].dies(9)
        assert world.loaded == {"echo": "busy"}
        world.wait(14.0)
        assert world.loaded == {"echo": "busy"}
        world.wait(2.0)
        assert world.loaded == {"echo": "busy", "echo#2": "starting"}
    world.answers("echo", job)
    assert heard.words[-1] == "done"


def test_replicas_that_never_come_up_keep_nobody_waiting() -> None:
    world = World()
    heard, _ = world.chat()
    for name, calm in ("echo", 3.0), ("echo#2", 25.0):
        for _ in range(5):
            assert "failed" not in heard.words
            assert world.loaded[name] == "starting"
            world.dies(name)
            world.wait(calm)
    assert world.loaded["echo"] == "starting", "it was given up first, and is called anew"
    assert world.observed.count("replica_given_up") == 1
    assert heard.failure is not None
    assert heard.failure.code is Code.MODEL_FAILED


def test_replicas_are_one_of_the_models_that_may_be_loaded_on_each_node() -> None:
    world = World(3, 3)
    world.chat()
    every = [world.worker(name) for name in ("echo", "echo#2", "echo#3")]
    assert [places(one) for one in every] == [1, 0, 0]
    every[2].node = "elsewhere"
    assert [places(one) for one in every] == [1, 0, 1]


def test_an_unload_takes_all_of_them_and_waits_for_all() -> None:
    world = World()
    waits, _ = world.chat()
    world.ready("echo", "echo#2")
    chats = [world.chat(), world.chat()]
    world.supervisor.unload(ME, wire.Unload(5, "echo"))
    assert chats[1][0].failure is not None
    assert world.heard == [], "they finish what they have begun"
    for name, key in world.sent:
        world.says(name, inner.GenerationDone(key, "stop", Usage(1, 0, 0), -1))
    world.wait(0.1)
    assert world.heard == [wire.Unloaded(5, ["echo", "echo#2"])]
    assert waits.words[-1] == "done"
    world.wait(60.0)
    assert world.loaded == {}


def test_one_can_be_unloaded_alone_and_comes_back_later_if_it_has_to_be_there() -> None:
    world = World()
    chats = [world.chat() for _ in range(3)]
    world.ready("echo", "echo#2")
    world.supervisor.unload(ME, wire.Unload(5, "echo#2"))
    world.answers("echo#2", chats[1][1])
    world.wait(0.1)
    assert world.heard == [wire.Unloaded(5, ["echo#2"])]
    world.answers("echo", chats[0][1])
    assert world.sent[-1] == ("echo", chats[2][1].key)
    world.wait(14.0)
    assert world.loaded == {"echo": "busy"}
    world.wait(2.0)
    assert world.loaded == {"echo": "busy", "echo#2": "starting"}
    assert [heard.failure for heard, _ in chats] == [None] * 3


def test_all_stay_as_long_as_one_has_something_to_do_and_go_together() -> None:
    world = World()
    _, job = world.chat()
    world.ready("echo", "echo#2")
    world.wait(400.0)
    assert world.loaded == {"echo": "busy", "echo#2": "ready"}
    world.answers("echo", job)
    world.wait(299.0)
    assert world.loaded == {"echo": "ready", "echo#2": "ready"}
    world.wait(1.5)
    assert world.loaded == {}
    assert world.supervisor.idle


def test_a_load_is_there_with_the_first_of_them() -> None:
    world = World()
    world.supervisor.load(ME, wire.Load(5, "echo"))
    world.ready("echo#2")
    assert [event for event in world.heard if isinstance(event, wire.Loaded)] == [wire.Loaded(5, "echo", 0.0)]
    world.supervisor.load(ME, wire.Load(6, "echo"))
    assert world.heard[-1] == wire.Loaded(6, "echo")


def test_who_waits_is_counted_once() -> None:
    world = World()
    for _ in range(3):
        world.chat()
    world.ready("echo", "echo#2")
    assert [(one.model, one.asked_as, one.replica, one.queued) for one in world.supervisor.statuses()] == [
        ("echo", "echo", 1, 1),
        ("echo#2", "echo", 2, 0),
    ]


@pytest.mark.parametrize("bounds", [(1, 1), (3, 3)])
def test_other_bounds_count_from_the_next_request_on(bounds: tuple[int, int]) -> None:
    world = World()
    _, job = world.chat()
    world.ready("echo", "echo#2")
    world.answers("echo", job)
    world.bounds = bounds
    _, job = world.chat()
    world.answers("echo", job)
    world.wait(1.0)
    assert len(world.loaded) == bounds[0]


def test_a_cancelled_request_ends_where_it_runs() -> None:
    world = World()
    jobs = [world.chat() for _ in range(3)]
    world.ready("echo", "echo#2")
    for heard, job in jobs:
        world.supervisor.stop(job)
        assert heard.words[-1] == "cancelled"
    told = [worker.active for worker in world.supervisor.pool]
    assert [[job.cancel_at is not None for job in active.values()] for active in told] == [[True], [True]]
    assert not len(world.worker("echo").queue)
