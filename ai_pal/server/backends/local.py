"""This machine as a backend: the supervisor's workers, with downloads of the models that they lack."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.usage import Usage
from ai_pal.server.jobs import ANY_PULL, Handle, Job, Pull, Sink
from ai_pal.server.pool.jobs.job import WorkerJob
from ai_pal.server.pool.supervisor import Supervisor
from ai_pal.server.ports import Clients


class Follower(Protocol):
    """Hears of a download."""

    @property
    def pull(self) -> Pull:
        """How much may be downloaded, and what pip is told."""

    def pulling(self, event: wire.Pulling) -> None:
        """How far it is. Its id means nothing, as in those below."""

    def here(self, event: wire.Pulled) -> None:
        """The model is here now: the end."""

    def failed(self, failure: Failure) -> None:
        """It will not come: the end."""


class Fetch(Protocol):
    """Downloads of models."""

    def follow(self, follower: Follower, reference: str) -> None:
        """Download what is lacking, and tell the follower. It may all happen before this returns."""

    def leave(self, follower: Follower) -> None:
        """It hears nothing more; the last one takes its download along."""

    def fetch_first(self, client: bytes, request: wire.Load, then: Callable[[], None]) -> None:
        """Download the model of a client's load, which hears of it, and go on with that."""


class Stays(Protocol):
    """See `LocalModels`."""

    def __call__(self, *, bound: bool) -> bool: ...


class LocalModels:
    """See the module. Implements `jobs.Backend`. Where its workers run on other machines (`remote`), `stays`
    says whether what is bound to this machine, or is not, has a worker here."""

    keeps_time = False

    def __init__(
        self,
        supervisor: Supervisor,
        fetch: Fetch,
        clients: Clients,
        stays: Stays = lambda *, bound: False,
        *,
        remote: bool = False,
    ) -> None:
        self._remote, self._stays = remote, stays
        self.supervisor, self.fetch, self._clients = supervisor, fetch, clients

    def stays(self, job: Job) -> bool:
        """Whether its worker has to run here, where others run on other machines."""
        return self._stays(bound=job.private or job.mine)

    def leaves(self, job: Job) -> bool:
        """Whether what it says leaves this machine."""
        return self._remote and not self.stays(job)

    def start(self, job: Job, sink: Sink) -> Handle:
        started = LocalJob(self, job, sink)
        started.begin()
        return started

    def load(self, client: bytes, request: wire.Load) -> None:
        """Load a model for a client, which hears of it; it is downloaded first if that is wanted."""
        try:
            self.supervisor.load(client, request, stays=self._stays(bound=False))
        except AiPalError as error:
            if request.pull and error.code == Code.MODEL_NOT_HERE:
                here = msgspec.structs.replace(request, pull=False)
                self.fetch.fetch_first(client, request, lambda: self.load(client, here))
            else:
                self._clients.send(client, wire.Failed(request.id, [error.failure]))


class LocalJob:
    """A job on this machine: its model is downloaded, then a worker has it."""

    __slots__ = ("_follows", "_job", "_models", "_sink", "_worker_job", "pull")

    def __init__(self, models: LocalModels, job: Job, sink: Sink) -> None:
        self._models, self._job, self._sink = models, job, sink
        self.pull = job.pull or ANY_PULL
        self._worker_job: WorkerJob | None = None
        self._follows = False

    @property
    def dispatched_at(self) -> float | None:
        return None if self._worker_job is None else self._worker_job.dispatched_at

    def begin(self) -> None:
        """To a worker with it, or to the downloads."""
        try:
            job = msgspec.structs.replace(self._job, stays=self._models.stays(self._job))
            self._worker_job = self._models.supervisor.start(job, self._sink)
        except AiPalError as error:
            if self._job.pull is None or error.code != Code.MODEL_NOT_HERE:
                self.failed(error.failure)
            else:
                self._follows = True
                self._models.fetch.follow(self, self._job.model)

    def cancel(self) -> None:
        if self._worker_job is not None:
            self._models.supervisor.stop(self._worker_job)
        elif self._follows:
            self._follows = False
            self._models.fetch.leave(self)

    # -- what its download says ----------------------------------------------------------------

    def pulling(self, event: wire.Pulling) -> None:
        self._sink.news(event)

    def here(self, event: wire.Pulled) -> None:
        """The model is here: begin, once."""
        self._follows = False
        self._job = msgspec.structs.replace(self._job, pull=None, resolved=None)
        self.begin()

    def failed(self, failure: Failure) -> None:
        self._follows = False
        self._sink.failed(failure, Usage(), None)
