"""Jobs of every kind on a worker: one queue, one table, and a count that takes no slot."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.protocol.content import Image, Message
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.server.jobs import Job, News, Result, Sink, Work
from ai_pal.server.nodes.base import ExitStatus, LaunchSpec
from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.jobs.job import WorkerJob
from ai_pal.server.pool.policy import PoolPolicy
from ai_pal.server.pool.supervisor import Supervisor
from ai_pal.transport.sockets import Blob
from tests.endpoints import NoProcess
from tests.simulation.clock import VirtualClock

HI = [Message("user", "hi")]
CHAT = inner.Generate(0, HI)
KINDS: list[tuple[Work, inner.FromWorker]] = [
    (CHAT, inner.GenerationDone(1, "stop", Usage(1, 0, 0))),
    (inner.CompleteText(0, "one "), inner.GenerationDone(1, "stop", Usage(1, 0, 0))),
    (inner.EmbedTexts(0, ["a"]), inner.Embedded(1, b"\0\0\x80\x3f", 1)),
    (inner.RerankTexts(0, "q", ["a"]), inner.Reranked(1, [0.5])),
    (inner.CountTokens(0, HI), inner.Counted(1, 7)),
]
COUNT = KINDS[-1][0]


class Heard(Sink):
    """What became of one job."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.result: Result | None = None
        self.failure: Failure | None = None

    def accepted(self, model: str) -> None:
        self.words.append("accepted")

    def news(self, news: News) -> None:
        self.words.append(type(news).__name__.lower())

    def done(self, result: Result) -> None:
        self.words.append("done")
        self.result = result

    def failed(self, failure: Failure, usage: Usage, timings: Timings | None) -> None:
        self.words.append("failed")
        self.failure = failure

    def cancelled(self, usage: Usage, timings: Timings) -> None:
        self.words.append("cancelled")


class World:
    """A supervisor with one model. `sent` is what its worker was told, `resolved` what was looked up."""

    def __init__(self, slots: int = 1) -> None:
        self.slots, self.reads = slots, True
        self.sent: list[inner.ToWorker] = []
        self.blobs: list[Sequence[Blob]] = []
        self.resolved: list[str] = []
        self.used: list[str] = []
        self.exits: list[Callable[[ExitStatus], None]] = []
        self.clock = VirtualClock()
        self.supervisor = Supervisor(
            clients=self,  # type: ignore[arg-type]
            workers=self,
            launcher=self,
            clock=self.clock,
            resolve=self._resolve,
            jitter=lambda: 0.5,
            observe=lambda event, **fields: None,
            policy=PoolPolicy(queue_size=2),
            used=lambda resolved: self.used.append(resolved.load.model),
        )
        self.clock.alarm = self.supervisor.tick

    def _resolve(self, reference: str) -> Resolved:
        self.resolved.append(reference)
        return Resolved(inner.LoadModel(reference, "echo"))

    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> NoProcess:
        self.worker = spec.worker
        self.exits.append(on_exit)
        return NoProcess()

    def send(self, worker: str, message: inner.ToWorker, blobs: Sequence[Blob] = ()) -> bool:
        if not self.reads:
            return False
        self.sent.append(message)
        self.blobs.append(blobs)
        return True

    def start(self, work: Work, **how: object) -> tuple[Heard, WorkerJob]:
        sink = Heard()
        return sink, self.supervisor.start(Job(work=work, model="echo", **how), sink)  # type: ignore[arg-type]

    def ready(self) -> None:
        self.says(inner.WorkerHello(1))
        self.says(inner.Ready(self.slots, 100, abilities=["chat", "embed"]))

    def says(self, message: inner.FromWorker) -> None:
        self.supervisor.worker_message(self.worker, message)

    def work(self) -> list[inner.ToWorker]:
        """What the worker was given to do."""
        return [message for message in self.sent if isinstance(message, Work)]


@pytest.mark.parametrize(("work", "end"), KINDS, ids=lambda one: type(one).__name__)
def test_each_kind_waits_for_the_load_is_sent_and_ends(work: Work, end: inner.FromWorker) -> None:
    world = World()
    heard, job = world.start(work)
    assert world.work() == []
    world.ready()
    assert world.work() == [msgspec.structs.replace(work, key=job.key)]
    world.says(end)
    world.says(end)
    assert heard.words == ["accepted", "loading", "done"]
    assert not len(world.supervisor.requests)


@pytest.mark.parametrize(("work", "end"), KINDS, ids=lambda one: type(one).__name__)
def test_a_worker_that_answers_what_it_was_not_asked_is_replaced(work: Work, end: inner.FromWorker) -> None:
    world = World()
    world.start(work)
    world.ready()
    wrong = next(other for _, other in KINDS if type(other) is not type(end))
    world.says(wrong)
    (worker,) = world.supervisor.pool
    assert worker.state.phase is lifecycle.Phase.KILLING


def test_a_count_takes_no_slot_and_no_place_in_the_queue() -> None:
    world = World(slots=1)
    world.start(CHAT)
    world.ready()
    world.start(CHAT)
    counted, _ = world.start(COUNT)
    assert [type(message) for message in world.work()] == [inner.Generate, inner.CountTokens]
    world.says(inner.Counted(3, 7))
    assert counted.result == inner.Counted(3, 7)
    world.says(inner.GenerationDone(1, "stop", Usage()))
    assert len(world.work()) == 3, "the second chat has the slot now"


def test_counts_have_a_bound_of_their_own() -> None:
    world = World()
    for _ in range(2):
        world.start(CHAT)
        world.start(COUNT)
    assert [worker.name for worker in world.supervisor.pool] == ["echo", "echo (vocabulary)"]
    for work in (CHAT, COUNT):
        with pytest.raises(AiPalError) as refused:
            world.start(work)
        assert refused.value.code == Code.OVERLOADED


@pytest.mark.parametrize("work", [CHAT, COUNT], ids=["chat", "count"])
@pytest.mark.parametrize("other", [{"owner": b"bob"}, {"owner": b"ann", "principal": "eve"}])
def test_a_queue_that_one_has_filled_takes_another(work: Work, other: dict[str, Any]) -> None:
    world = World()
    ann: dict[str, Any] = {"owner": b"ann", "principal": "carl"}
    greedy = [world.start(work, **ann)[0] for _ in range(2)]
    with pytest.raises(AiPalError):
        world.start(work, **ann)
    modest, _ = world.start(work, **other)
    assert [heard.words[0] for heard in (*greedy, modest)] == ["accepted"] * 3
    for one in (ann, other):
        with pytest.raises(AiPalError) as refused:
            world.start(work, **one)
        assert refused.value.code == Code.OVERLOADED
    assert not any("failed" in heard.words for heard in greedy), "what was accepted goes on"


@pytest.mark.parametrize("work", [CHAT, KINDS[2][0], COUNT], ids=["chat", "embed", "count"])
def test_a_job_whose_worker_dies_is_tried_once_more(work: Work) -> None:
    world = World()
    heard, _ = world.start(work)
    for _ in range(2):
        world.ready()
        world.exits[-1](ExitStatus(signal=9))
        world.clock.run(world.clock.now() + 5)
    assert len(world.work()) == 2
    assert [word for word in heard.words if word != "loading"] == ["accepted", "notice", "failed"]
    assert heard.failure is not None
    assert heard.failure.code == Code.WORKER_DIED


def test_a_job_in_the_background_is_not_tried_again_nor_its_model_loaded_for_it() -> None:
    world = World()
    heard, job = world.start(CHAT)
    world.ready()
    world.says(inner.GenerationDone(job.key, "stop", Usage(1, 0, 0)))
    heard, _ = world.start(CHAT, background=True)
    world.exits[-1](ExitStatus(signal=9))
    world.clock.run(world.clock.now() + 5)
    assert heard.words == ["accepted", "failed"]
    assert (len(world.work()), len(world.exits)) == (2, 1)


def test_a_model_does_not_stay_for_a_job_in_the_background() -> None:
    world = World()
    _, job = world.start(CHAT, keep_alive=4.0)
    world.ready()
    world.says(inner.GenerationDone(job.key, "stop", Usage(1, 0, 0)))
    (worker,) = world.supervisor.pool
    for begins, ends, left in ((2.0, 3.0, 0.5), (3.6, 4.5, None)):
        world.clock.run(begins)
        _, job = world.start(CHAT, background=True)
        world.clock.run(ends)
        world.says(inner.GenerationDone(job.key, "stop", Usage(1, 0, 0)))
        world.clock.run(ends + 0.5)
        assert world.supervisor.statuses()[0].unloads_in == left
    assert worker.state.phase is lifecycle.Phase.STOPPING
    assert world.used == ["echo"], "it counts as no use"


def test_a_job_that_was_called_off_is_told_and_its_worker_too() -> None:
    world = World()
    heard, job = world.start(KINDS[2][0])
    world.ready()
    world.supervisor.stop(job)
    world.supervisor.stop(job)
    assert heard.words[-1] == "cancelled"
    assert heard.words.count("cancelled") == 1
    assert world.sent[-1] == inner.CancelGeneration(job.key)


def test_what_the_plan_has_resolved_is_not_resolved_again() -> None:
    world = World()
    world.start(CHAT, resolved=Resolved(inner.LoadModel("echo", "echo")))
    assert (world.resolved, world.used) == ([], ["echo"])
    world.start(CHAT)
    assert (world.resolved, world.used) == (["echo"], ["echo", "echo"])


def test_large_parts_go_along_uncopied() -> None:
    world = World()
    picture = b"p" * 1000
    blobs = (picture,)
    world.start(inner.Generate(0, [Message("user", [Image("image/png", frame=1)])]), blobs=blobs)
    world.ready()
    assert world.blobs[-1][0] is picture


def test_a_log_of_prompts_holds_words_and_no_attachments() -> None:
    world, logged = World(), list[dict[str, object]]()
    world.supervisor.pool.policy = PoolPolicy(log_prompts=True)
    world.supervisor._observe = lambda event, **fields: logged.append({"event": event, **fields})
    world.start(inner.Generate(0, [Message("user", [Image("image/png", b"secret")]), *HI]))
    said = next(entry for entry in logged if entry["event"] == "prompt")
    assert "secret" not in repr(said)
    assert "hi" in repr(said)


def test_the_idle_time_begins_also_when_a_job_is_called_off_that_was_never_sent() -> None:
    world = World()
    world.start(COUNT)
    _, job = world.start(CHAT)
    world.ready()
    world.says(inner.GenerationDone(job.key, "stop", Usage(1, 0, 0)))
    world.reads = False
    _, waiting = world.start(CHAT)
    world.clock.run(world.clock.now() + 5)
    world.supervisor.stop(waiting)
    (idle,) = [status.unloads_in for status in world.supervisor.statuses() if status.model == "echo"]
    assert idle == PoolPolicy().keep_alive


# Without weights.


def test_a_count_loads_a_vocabulary_and_no_model_that_goes_when_nobody_counts() -> None:
    world = World()
    heard, _ = world.start(COUNT)
    world.ready()
    assert [load.vocabulary for load in world.sent if isinstance(load, inner.LoadModel)] == [True]
    world.says(inner.Counted(1, 7))
    assert heard.result == inner.Counted(1, 7)
    (status,) = world.supervisor.statuses()
    assert (status.model, status.vocabulary, status.abilities) == ("echo (vocabulary)", True, [])
    assert status.unloads_in == PoolPolicy().keep_alive


def test_a_count_while_its_model_loads_does_not_wait_for_it() -> None:
    world = World()
    world.start(CHAT)
    world.start(COUNT)
    assert [worker.name for worker in world.supervisor.pool] == ["echo", "echo (vocabulary)"]


def test_an_unload_takes_the_vocabulary_along() -> None:
    world = World()
    world.start(COUNT)
    world.ready()
    world.says(inner.Counted(1, 7))
    world.supervisor.unload(b"client", wire.Unload(9, "echo"))
    (worker,) = world.supervisor.pool
    assert worker.state.phase is lifecycle.Phase.STOPPING


def test_a_worker_that_came_up_late_and_cannot_be_told_at_once_is_not_given_up() -> None:
    world = World()
    world.start(inner.Generate(0, []))
    world.reads = False  # its connection is full
    almost = lifecycle.Policy().start_timeout - 0.5
    world.clock.run(almost)
    world.says(inner.WorkerHello(1))
    world.clock.run(almost + 1.0)
    worker = world.supervisor.pool.find("echo")
    assert worker is not None
    assert str(worker.state.phase) == "starting"
    world.reads = True
    world.clock.run(almost + 1.1)
    assert str(worker.state.phase) == "loading"
