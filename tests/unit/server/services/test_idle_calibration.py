"""A calibration in the background: it waits, asks one question at a time, and lets go at once."""

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.protocol.doubt import Doubt
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.protocol.worker import LoadModel, Ready
from ai_pal.server.jobs import Answered, Job, Sink
from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.jobs.job import WorkerJob
from ai_pal.server.router.cascade.measurement import FEWEST
from ai_pal.server.router.cascade.questions import questions
from ai_pal.server.services.activity import Activity
from ai_pal.server.services.idle_calibration import IdleCalibration, IdlePolicy
from ai_pal.store.doubts import ASKED, DoubtFile, key_of
from tests.unit.server.pool.model_workers import alone

ANN = b"ann"
RESOLVED = Resolved(LoadModel("m", "echo"), file="/m", stamp="1")
RIGHT = {one.prompt: one.right for one in questions()}


class Time:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.at = 0.0
        self.wakes: list[float] = []

    def now(self) -> float:
        return self.at

    def wake_at(self, when: float) -> None:
        self.wakes.append(when)


class Models:
    """A backend that lets the test say what becomes of each job."""

    keeps_time = False
    dispatched_at: float | None = None

    def __init__(self) -> None:
        self.open: list[tuple[Job, Sink]] = []
        self.asked = 0

    def start(self, job: Job, sink: Sink) -> "Models":
        self.asked += 1
        self.open.append((job, sink))
        return self

    def cancel(self) -> None:
        ((_, sink),) = self.open
        self.open = []
        sink.cancelled(Usage(), Timings())


class Bench:
    """A loaded model, and nobody who asks anything."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.models = Time(), Models()
        self.activity = Activity(self.clock)
        self.file = DoubtFile(folder / "doubts.json", self.clock.now)
        state = replace(lifecycle.State(), phase=lifecycle.Phase.READY)
        info = Ready(1, 1024, abilities=["chat"])
        self.worker = alone(RESOLVED)
        self.worker.state, self.worker.info = state, info
        self.battery, self.observed = False, dict[str, object]()
        self.calibration = IdleCalibration(
            models=self.models,
            workers=lambda: [self.worker],
            doubts=self.file,
            activity=self.activity,
            clock=self.clock,
            observe=lambda event, **fields: self.observed.update({event: fields}),
            policy=IdlePolicy(after=120.0),
            on_battery=lambda: self.battery,
        )

    def wait(self, seconds: float) -> None:
        self.clock.at += seconds
        self.calibration.tick()

    def answer(self, right: bool = True, doubt: float = 0.1) -> None:
        ((job, sink),) = self.models.open
        self.models.open = []
        assert isinstance(job.work, inner.Generate)
        said = RIGHT[job.work.messages[0].text] if right else "hm"
        sink.delta(inner.DeltaItem(1, 0, 1, msgspec.Raw(msgspec.msgpack.encode(said))))
        sink.done(Answered(doubt=Doubt(3, -doubt, doubt)))

    @property
    def shown(self) -> float | None:
        (status,) = self.calibration.mark([wire.WorkerStatus("m", "ready")])
        return status.calibrating


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_it_begins_when_nobody_has_asked_for_a_while_and_asks_one_at_a_time(bench: Bench) -> None:
    bench.wait(119.0)
    assert not bench.models.open
    assert bench.clock.wakes[-1] == 120.0
    assert bench.shown is None
    bench.wait(1.0)
    ((job, _),) = bench.models.open
    assert job.background
    assert job.private
    bench.wait(1.0)
    assert len(bench.models.open) == 1
    bench.answer()
    assert not bench.models.open, "between two questions others can have the model"
    bench.wait(0.1)
    assert len(bench.models.open) == 1
    assert bench.shown == 1 / ASKED


def test_of_a_cluster_only_what_runs_on_this_machine_is_asked(bench: Bench) -> None:
    bench.worker.node = "gpu1"
    bench.wait(1000.0)
    assert not bench.models.open, "what is private would be loaded here once more for it"
    bench.worker.node, bench.worker.group.resolved = "", RESOLVED.kept_here
    bench.wait(1.0)
    assert bench.models.open


def test_whoever_asks_something_stops_it_at_once_and_it_goes_on_later(bench: Bench) -> None:
    bench.wait(120.0)
    bench.answer()
    bench.wait(0.1)
    standing = bench.activity.asked(ANN, wire.Chat(1, [], "other"), "test", 1)
    assert standing is not None
    assert not bench.models.open
    assert bench.shown is None
    bench.wait(1000.0)
    assert not bench.models.open, "while a request is open nothing is asked"
    bench.activity.told(standing, wire.Done(1, "stop", Usage(), Timings()))
    bench.wait(119.0)
    assert not bench.models.open
    bench.wait(1.0)
    ((job, _),) = bench.models.open
    assert isinstance(job.work, inner.Generate)
    assert job.work.messages[0].text == questions()[1].prompt, "what was answered is not asked again"


def test_it_ends_as_soon_as_the_verdict_is_clear(bench: Bench) -> None:
    bench.wait(120.0)
    asked = 0
    while bench.models.open:
        right = asked // 3 % 2 == 0
        bench.answer(right, 0.1 if right else 2.0)
        asked += 1
        bench.wait(0.1)
    assert FEWEST <= asked < ASKED
    known = bench.file.known(key_of(RESOLVED))
    assert known is not None
    assert known.can_doubt
    assert bench.observed["calibrated"] == {"model": bench.worker.name, "area": 1.0, "questions": asked}
    bench.wait(1000.0)
    assert not bench.models.open


@pytest.mark.parametrize("why", ["battery", "off", "busy", "loading", "closing"])
def test_it_asks_nothing(bench: Bench, why: str) -> None:
    bench.battery = why == "battery"
    if why == "off":
        bench.calibration.policy = IdlePolicy(on=False)
    elif why == "busy":
        bench.worker.active[1] = None  # type: ignore[assignment]
    elif why == "loading":
        bench.worker.state = lifecycle.State()
    elif why == "closing":
        bench.calibration.shutdown()
    bench.wait(1000.0)
    assert not bench.models.open


def test_a_model_that_cannot_be_asked_is_left_alone(bench: Bench) -> None:
    bench.wait(120.0)
    ((_, sink),) = bench.models.open
    bench.models.open = []
    sink.failed(Failure(Code.WORKER_DIED, "it crashed"), Usage(), None)
    bench.wait(1000.0)
    assert bench.models.asked == 1
    assert bench.observed["calibration_left"] == {"model": bench.worker.name, "reason": "it crashed"}


def test_a_question_makes_nobody_seem_to_have_asked_the_model(bench: Bench) -> None:
    bench.wait(120.0)
    ((job, sink),) = bench.models.open
    worker = bench.worker
    worker.group.keep_alive = 300.0

    def shown() -> tuple[str, int, float | None, float | None]:
        status = worker.status(bench.clock.now())
        return status.state, status.active, status.idle_for, status.unloads_in

    worker.begin(WorkerJob(1, job, sink, "m", 0.0, "m"))
    assert shown() == ("ready", 0, 120.0, 180.0)
    assert worker.unload_at() is None, "it goes between two questions"
    worker.begin(WorkerJob(2, replace(job, background=False), sink, "m", 0.0, "m"))
    assert shown() == ("busy", 1, None, None)
