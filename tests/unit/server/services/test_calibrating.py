"""A calibration: questions one after the other, marked, and what is kept of them."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.protocol.doubt import Doubt
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.protocol.worker import LoadModel
from ai_pal.server.jobs import Answered, Job, Sink
from ai_pal.server.router.cascade.questions import questions
from ai_pal.server.services.calibrating import Calibrations
from ai_pal.store.doubts import ASKED, DoubtFile, key_of

ANN = b"ann"
RESOLVED = Resolved(LoadModel("m", "echo"), file="/m", stamp="1")
RIGHT = {one.prompt: one.right for one in questions()}


class Heard:
    """Clients that hear."""

    def __init__(self) -> None:
        self.events: list[wire.Event] = []

    def send(self, client: bytes, event: wire.Event) -> None:
        assert client == ANN
        self.events.append(event)

    def deliver(self, client: bytes, item: object) -> None: ...


class Models:
    """A backend that lets the test say what becomes of each job."""

    keeps_time = False

    def __init__(self) -> None:
        self.open: list[tuple[Job, Sink]] = []
        self.cancelled = 0
        self.dispatched_at: float | None = None

    def start(self, job: Job, sink: Sink) -> "Models":
        self.open.append((job, sink))
        return self

    def cancel(self) -> None:
        self.cancelled += 1

    def answer(self, right: bool, doubt: float) -> None:
        """The one that is open, with a probe where it was asked for one."""
        ((job, sink),) = self.open
        self.open = []
        assert isinstance(job.work, inner.Generate)
        assert job.work.watch
        said = RIGHT[job.work.messages[0].text] if right else "hm"
        if job.work.probe is not None:
            sink.probed(doubt)
        sink.delta(inner.DeltaItem(1, 0, 1, msgspec.Raw(msgspec.msgpack.encode(said))))
        sink.done(Answered(doubt=Doubt(3, -doubt, doubt)))


class Stopped:
    """A clock that stands still."""

    def now(self) -> float:
        return 0.0

    def wake_at(self, when: float) -> None: ...


class Bench:
    def __init__(self, folder: Path) -> None:
        self.clients, self.models = Heard(), Models()
        self.file = DoubtFile(folder / "doubts.json")
        self.service = Calibrations(self.clients, self.models, self.resolve, self.file, Stopped())

    def resolve(self, reference: str) -> Resolved:
        if reference == "none":
            raise AiPalError(Failure(Code.MODEL_NOT_FOUND, "there is no model 'none'"))
        return RESOLVED

    def begin(self, model: str = "m") -> None:
        self.service.start(ANN, wire.Calibrate(1, model))

    def ends(self) -> Sequence[wire.Event]:
        return [event for event in self.clients.events if type(event) in wire.ENDING]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_of_a_probed_answer_both_numbers_are_kept(bench: Bench) -> None:
    bench.begin()
    for _ in range(6):
        bench.models.answer(True, 0.5)
    kept = bench.file.known(key_of(RESOLVED))
    assert kept is not None
    assert kept.unfinished is not None
    marks = kept.unfinished.answers.values()
    assert {one.signal: one.whole for one in marks} == {"probe": 0.5, "whole": None}


@pytest.mark.parametrize(("knows", "area"), [(True, 1.0), (False, 0.0)])
def test_a_model_that_doubts_what_it_gets_wrong_can_doubt(bench: Bench, knows: bool, area: float) -> None:
    bench.begin()
    for number in range(ASKED):
        right = number % 4 < 2
        bench.models.answer(right, 0.1 + 0.001 * number + (right != knows))
    (end,) = bench.ends()
    assert end == wire.Calibrated(1, "m", area, ASKED, 76, knows)
    kept = DoubtFile(bench.file._file).known(key_of(RESOLVED))
    assert kept is not None
    assert kept.can_doubt is knows
    assert not bench.service.busy
    told = [event for event in bench.clients.events if isinstance(event, wire.Calibrating)]
    assert [event.done for event in told] == list(range(1, ASKED + 1))


def test_of_one_that_tells_no_numbers_nothing_is_believed(bench: Bench) -> None:
    bench.begin()
    for _ in range(ASKED):
        ((_, sink),) = bench.models.open
        bench.models.open = []
        sink.done(Answered())
    (end,) = bench.ends()
    assert end == wire.Calibrated(1, "m", 0.5, 0)


def test_answers_that_were_cut_off_before_they_said_it_do_not_count(bench: Bench) -> None:
    bench.begin()
    for _ in range(ASKED):
        ((_, sink),) = bench.models.open
        bench.models.open = []
        sink.delta(inner.DeltaItem(1, 0, 1, msgspec.Raw(msgspec.msgpack.encode("To find the"))))
        sink.done(Answered("length", doubt=Doubt(3, -1.0, 1.0)))
    (end,) = bench.ends()
    assert end == wire.Calibrated(1, "m", 0.5, 0)


def test_one_question_is_asked_at_a_time_and_nothing_of_it_may_leave(bench: Bench) -> None:
    bench.begin()
    ((job, _),) = bench.models.open
    assert job.private
    assert bench.service.busy


def test_a_failed_question_ends_it_and_what_was_answered_is_kept(bench: Bench) -> None:
    bench.begin()
    bench.models.answer(True, 0.1)
    ((_, sink),) = bench.models.open
    sink.failed(Failure(Code.MODEL_FAILED, "it crashed"), Usage(), None)
    (end,) = bench.ends()
    assert isinstance(end, wire.Failed)
    known = DoubtFile(bench.file._file).known(key_of(RESOLVED))
    assert known is not None
    assert known.unfinished is not None
    assert list(known.unfinished.answers) == [questions()[0].id]
    assert not known.can_doubt
    assert not bench.service.busy


def test_one_that_was_stopped_goes_on_where_it_was(bench: Bench) -> None:
    bench.begin()
    for number in range(100):
        bench.models.answer(number % 4 < 2, 0.1 + (number % 4 >= 2))
    assert bench.service.cancel(ANN, 1)
    bench.models.open = []
    again = Bench(bench.file._file.parent)
    again.begin()
    for number in range(100, ASKED):
        again.models.answer(number % 4 < 2, 0.1 + (number % 4 >= 2))
    (end,) = again.ends()
    assert end == wire.Calibrated(1, "m", 1.0, ASKED, 76, True)
    known = again.file.known(key_of(RESOLVED))
    assert known is not None
    assert known.unfinished is None


def test_a_cancel_and_a_goodbye_stop_what_runs(bench: Bench) -> None:
    bench.begin()
    assert bench.service.cancel(ANN, 1)
    assert [type(event) for event in bench.ends()] == [wire.Cancelled]
    assert bench.models.cancelled == 1
    ((_, sink),) = bench.models.open
    sink.cancelled(Usage(), Timings())
    sink.done(Answered())
    assert len(bench.ends()) == 1
    assert len(bench.models.open) == 1, "another question was asked"
    assert not bench.service.cancel(ANN, 1)


def test_a_model_that_is_not_there_is_refused(bench: Bench) -> None:
    bench.begin("none")
    (end,) = bench.ends()
    assert isinstance(end, wire.Failed)
    assert not bench.models.open
