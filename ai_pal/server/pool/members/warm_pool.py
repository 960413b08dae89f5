"""The warm pool: a spare worker that has imported an engine already waits for the next load of it."""

from collections.abc import Callable

import msgspec

from ai_pal.errors import AiPalError
from ai_pal.memory import Resident, Use
from ai_pal.protocol import worker as inner
from ai_pal.server.nodes.base import ExitStatus, Launcher, LaunchSpec, WorkerProcess
from ai_pal.server.ports import Observe, Workers

NEED = 350_000_000
"""Bytes that a process with torch and transformers takes."""

NAME = "the spare worker"


class SpareWorker(msgspec.Struct, eq=False):
    """`identity` names its process at the socket, also after a model has taken it over. `ended` hears of its
    exit: the warm pool, and after that the pool."""

    engine: str
    identity: str
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


class WarmPool:
    """Holds at most one spare."""

    def __init__(self, launcher: Launcher, workers: Workers, observe: Observe) -> None:
        self._launcher, self._workers, self._observe = launcher, workers, observe
        self.spare: SpareWorker | None = None

    def launch(self, engine: str, identity: str) -> None:
        """Start one; nothing comes of it if that fails, for no load depends on it."""
        spare = SpareWorker(engine, identity, self._ended)
        try:
            spare.process = self._launcher.launch(LaunchSpec(identity, "workers"), spare.exited)
        except AiPalError as error:
            self._observe("spawn_failed", worker=identity, reason=error.failure.message)
            return
        self.spare = spare
        self._observe("spare_started", worker=identity, engine=engine)

    def take(self, engine: str) -> SpareWorker | None:
        """Hand over the spare if it is of this engine."""
        spare = self.spare
        if spare is None or spare.engine != engine or spare.ending:
            return None
        self.spare = None
        return spare

    def give_up(self, reason: str) -> None:
        """End it: its memory is needed."""
        if self.spare is not None and self.spare.process is not None and not self.spare.ending:
            self._observe("spare_given_up", worker=self.spare.identity, reason=reason)
            self.spare.ending = True
            self.spare.process.kill()  # it holds nothing worth an orderly end

    def received(self, identity: str, message: inner.FromWorker) -> None:
        """A message from a worker that is nobody's."""
        spare = self.spare
        if spare is not None and identity == spare.identity and isinstance(message, inner.WorkerHello):
            spare.greeted = True
            self._workers.send(identity, inner.Prepare(spare.engine))

    def process_of(self, identity: str) -> WorkerProcess | None:
        return self.spare.process if self.spare is not None and self.spare.identity == identity else None

    def _ended(self, status: ExitStatus) -> None:
        if self.spare is not None and not self.spare.ending:
            self._observe("spare_ended", worker=self.spare.identity, code=status.code, signal=status.signal)
        self.spare = None
