"""The spare worker: a process that has imported an engine already and waits for the next load of it."""

from collections.abc import Callable

import msgspec

from ai_pal.errors import AiPalError
from ai_pal.launchers.base import Launcher, LaunchSpec, WorkerProcess
from ai_pal.lifecycle import ExitStatus
from ai_pal.memory import Resident, Use
from ai_pal.messages import worker as inner
from ai_pal.supervisor.ports import Observe, Workers

NEED = 350_000_000
"""Bytes that a process with torch and transformers takes."""

NAME = "the spare worker"


class Spare(msgspec.Struct, eq=False):
    """`worker` is its socket identity, which the slot that takes it over keeps. `ended` hears of its exit:
    the shelf, and after the takeover the pool."""

    engine: str
    worker: str
    ended: Callable[[ExitStatus], None]
    process: WorkerProcess | None = None
    greeted: bool = False
    ending: bool = False

    def exited(self, status: ExitStatus) -> None:
        """The process has ended: whoever has it now hears of it."""
        self.ended(status)

    @property
    def resident(self) -> Resident:
        """As the memory core sees it: the first to be given up."""
        usage = self.process.usage() if self.process else None
        taken = usage.private if usage else 0
        return Resident(NAME, Use.LEAVING if self.ending else Use.IDLE, taken, 0 if self.ending else NEED)


class SpareShelf:
    """Holds at most one spare."""

    def __init__(self, launcher: Launcher, workers: Workers, observe: Observe) -> None:
        self._launcher, self._workers, self._observe = launcher, workers, observe
        self.spare: Spare | None = None

    def launch(self, engine: str, worker: str) -> None:
        """Start one; nothing comes of it if that fails, for no load depends on it."""
        spare = Spare(engine, worker, self._ended)
        try:
            spare.process = self._launcher.launch(LaunchSpec(worker, "workers"), spare.exited)
        except AiPalError as error:
            self._observe("spawn_failed", worker=worker, reason=error.failure.message)
            return
        self.spare = spare
        self._observe("spare_started", worker=worker, engine=engine)

    def take(self, engine: str) -> Spare | None:
        """Hand over the spare if it is of this engine."""
        spare = self.spare
        if spare is None or spare.engine != engine or spare.ending:
            return None
        self.spare = None
        return spare

    def give_up(self, reason: str) -> None:
        """End it: its memory is needed."""
        if self.spare is not None and self.spare.process is not None and not self.spare.ending:
            self._observe("spare_given_up", worker=self.spare.worker, reason=reason)
            self.spare.ending = True
            self.spare.process.kill()  # it holds nothing worth an orderly end

    def received(self, worker: str, message: inner.FromWorker) -> None:
        """A message from a worker that is nobody's."""
        spare = self.spare
        if spare is not None and worker == spare.worker and isinstance(message, inner.WorkerHello):
            spare.greeted = True
            self._workers.send(worker, inner.Prepare(spare.engine))

    def process_of(self, worker: str) -> WorkerProcess | None:
        return self.spare.process if self.spare is not None and self.spare.worker == worker else None

    def _ended(self, status: ExitStatus) -> None:
        if self.spare is not None and not self.spare.ending:
            self._observe("spare_ended", worker=self.spare.worker, code=status.code, signal=status.signal)
        self.spare = None
