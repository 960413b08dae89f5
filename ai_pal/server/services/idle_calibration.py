"""Calibrations in the background: while nobody asks anything, a model that is loaded answers the questions by
which its doubts are judged, one at a time. Whoever asks something has the machine at once."""

import contextlib
from collections.abc import Callable, Iterable

import msgspec
import psutil

from ai_pal.errors import Failure
from ai_pal.protocol import client as wire
from ai_pal.server.jobs import Backend, Handle, News
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.ports import Clock, Observe
from ai_pal.server.router.cascade.idling import next_step, wait
from ai_pal.server.router.cascade.measurement import Measurement, version
from ai_pal.server.router.cascade.questions import Question
from ai_pal.server.services.activity import Activity
from ai_pal.server.services.questioning import AskedQuestion, job_of
from ai_pal.store.doubts import DoubtFile, Mark, ModelDoubts, key_of

PAUSE = 0.01
"""Seconds between two questions: then a model whose time is over is unloaded, or makes room for others."""


class IdlePolicy(msgspec.Struct, frozen=True):
    """Whether it is wanted, and the seconds without a request after which it begins."""

    on: bool = True
    after: float = 120.0


def on_battery() -> bool:
    """Whether the machine is known to run on its battery."""
    with contextlib.suppress(AttributeError, OSError, RuntimeError):
        battery = psutil.sensors_battery()
        return battery is not None and battery.power_plugged is False
    return False


class Asking(msgspec.Struct):
    """The question that is open. Implements `Marking` for it, as long as it is the one."""

    of: "IdleCalibration"
    worker: ModelWorker
    begun_at: float
    handle: Handle | None = None

    def news(self, news: News) -> None:
        """Nobody is told."""

    def marked(self, question: Question, mark: Mark) -> None:
        self.of.marked(self, question, mark)

    def unanswered(self, failure: Failure) -> None:
        self.of.unanswered(self, failure)


class IdleCalibration:
    """See the module. Loads nothing, and keeps nothing loaded: a question counts as no use of its model. It
    looks where `workers` are, at `tick`, and lets go when it is `stirred`."""

    def __init__(
        self,
        *,
        models: Backend,
        workers: Callable[[], Iterable[ModelWorker]],
        doubts: DoubtFile,
        activity: Activity,
        clock: Clock,
        observe: Observe,
        policy: IdlePolicy,
        on_battery: Callable[[], bool] = on_battery,
    ) -> None:
        self._models, self._workers, self._doubts = models, workers, doubts
        self._activity, self._clock, self._observe = activity, clock, observe
        self.policy, self._on_battery = policy, on_battery
        self._asking: Asking | None = None
        self._at: ModelWorker | None = None
        """The model whose turn it is, between two questions too."""
        self._left: set[str] = set()
        """Keys of models that could not be asked."""
        self._closing = False
        activity.stirred = self.stirred

    def mark(self, statuses: list[wire.WorkerStatus]) -> list[wire.WorkerStatus]:
        """The same, with how far the calibration is of the one that is asked just now."""
        if self._at is None:
            return statuses
        name, key = self._at.name, key_of(self._at.resolved)
        now = Measurement((self._doubts.known(key) or ModelDoubts()).begun(version()))
        fraction = now.done / now.total
        return [
            msgspec.structs.replace(one, calibrating=fraction) if one.model == name else one
            for one in statuses
        ]

    def stirred(self) -> None:
        """Somebody asks something: the open question is over."""
        asking, self._asking, self._at = self._asking, None, None
        if asking is not None and asking.handle is not None:
            asking.handle.cancel()

    def shutdown(self) -> None:
        """No more of it."""
        self._closing = True
        self.stirred()

    def tick(self) -> None:
        """The next question, if it is time for one."""
        if self._asking is not None or self._closing:
            return
        self._at = None
        if not self.policy.on or (since := self._activity.idle_since) is None:
            return
        if (worker := self._candidate()) is None:
            return
        now = self._clock.now()
        seconds = wait(now - since, self.policy.after, on_battery=self._on_battery())
        if seconds:
            self._clock.wake_at(now + seconds)
        else:
            self._go_on(worker)

    def marked(self, asking: Asking, question: Question, mark: Mark) -> None:
        """It is answered: that is kept whoever asks by now."""
        spent = self._clock.now() - asking.begun_at
        self._doubts.mark(key_of(asking.worker.resolved), version(), question.id, mark, spent)
        self._ended(asking)

    def unanswered(self, asking: Asking, failure: Failure) -> None:
        """Its model is left alone from now on."""
        self._left.add(key_of(asking.worker.resolved))
        self._observe("calibration_left", model=asking.worker.name, reason=failure.message)
        self._ended(asking)

    def _ended(self, asking: Asking) -> None:
        if self._asking is asking:
            self._asking = None
            self._clock.wake_at(self._clock.now() + PAUSE)

    def _candidate(self) -> ModelWorker | None:
        """Of the models that stand idle the one that was used last."""
        idle = [
            worker
            for worker in self._workers()
            if worker.state.phase is Phase.READY
            and not (worker.busy or worker.wanted)
            and worker.info is not None
            and "chat" in worker.info.abilities
            and not (worker.resolved.load.vocabulary or worker.node)  # the questions stay on this machine
        ]
        idle.sort(key=lambda worker: worker.idle_since, reverse=True)
        return next((worker for worker in idle if self._is_open(key_of(worker.resolved))), None)

    def _is_open(self, key: str) -> bool:
        """Whether its model may be asked, and there is something to ask."""
        return key not in self._left and next_step(self._doubts.known(key)) != "leave"

    def _go_on(self, worker: ModelWorker) -> None:
        key, now = key_of(worker.resolved), self._clock.now()
        known = self._doubts.known(key)
        measurement = Measurement((known or ModelDoubts()).begun(version()))
        question = measurement.next()
        if question is None or next_step(known) == "finish":
            found = measurement.result()
            self._doubts.calibrate(key, found)
            self._observe("calibrated", model=worker.name, area=found.area, questions=found.questions)
            self._clock.wake_at(now + PAUSE)
            return
        asking = self._asking = Asking(self, worker, now)
        self._at = worker
        job = job_of(question, worker.resolved, worker.model, background=True)
        asking.handle = self._models.start(job, AskedQuestion(question, asking))
