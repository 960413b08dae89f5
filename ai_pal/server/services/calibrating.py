"""Calibrations: a model of this machine is asked questions whose answers are known, one after the other. What
it answered is kept, so that one that was stopped goes on; in the end, how well its doubts told what it got
wrong."""

from collections.abc import Callable, Sequence

import msgspec

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.errors import AiPalError, Failure
from ai_pal.protocol import client as wire
from ai_pal.server.jobs import Backend, Handle, News
from ai_pal.server.ports import Clients, Clock
from ai_pal.server.router.cascade.measurement import Measurement, version
from ai_pal.server.router.cascade.questions import Question
from ai_pal.server.services.base import called_off
from ai_pal.server.services.open_requests import OpenRequests
from ai_pal.server.services.questioning import AskedQuestion, job_of
from ai_pal.store.doubts import DoubtFile, Mark, ModelDoubts, key_of
from ai_pal.transport.sockets import Blob


class Calibrations(OpenRequests["OpenCalibration"]):
    """Implements `Service` for `calibrate`. Time, queues and retries are the pool's."""

    def __init__(
        self,
        clients: Clients,
        models: Backend,
        resolve: Callable[[str], Resolved],
        doubts: DoubtFile,
        clock: Clock,
    ) -> None:
        super().__init__()
        self.clients, self.models, self.doubts, self.clock = clients, models, doubts, clock
        self._resolve = resolve

    def start(self, client: bytes, request: wire.Calibrate, blobs: Sequence[Blob] = ()) -> None:
        try:
            resolved = self._resolve(request.model)
        except AiPalError as error:
            self.clients.send(client, wire.Failed(request.id, [error.failure]))
            return
        opened = self._open[client, request.id] = OpenCalibration(self, client, request, resolved)
        opened.ask()

    def ended(self, client: bytes, request_id: int, event: wire.Event) -> None:
        """One of them is over, with this event."""
        self._forget(client, request_id)
        self.clients.send(client, event)


class OpenCalibration:
    """One of them, from its first question to its end. Implements `Marking`."""

    def __init__(
        self, all_of: Calibrations, client: bytes, request: wire.Calibrate, resolved: Resolved
    ) -> None:
        self._all, self._client, self._id, self._resolved = all_of, client, request.id, resolved
        self._model = request.model or resolved.load.model
        self._key = key_of(resolved)
        known = all_of.doubts.known(self._key) or ModelDoubts()
        self._measurement = Measurement(known.begun(version()))
        self._handle: Handle | None = None
        self._asked_at, self._over = 0.0, False

    def ask(self) -> None:
        """The next question, or the end."""
        question = self._measurement.next()
        if question is None:
            self._complete()
            return
        self._asked_at = self._all.clock.now()
        job = job_of(question, self._resolved, self._model, owner=self._client)
        self._handle = self._all.models.start(job, AskedQuestion(question, self))

    def marked(self, question: Question, mark: Mark) -> None:
        if self._over:
            return
        spent = self._all.clock.now() - self._asked_at
        known = self._all.doubts.mark(self._key, version(), question.id, mark, spent)
        now = self._measurement = Measurement(known)
        self._all.clients.send(self._client, wire.Calibrating(self._id, self._model, now.done, now.total))
        self.ask()

    def news(self, news: News) -> None:
        if not self._over and isinstance(news, wire.Loading | wire.Queued):
            self._all.clients.send(self._client, msgspec.structs.replace(news, id=self._id))

    def unanswered(self, failure: Failure) -> None:
        self._end(wire.Failed(self._id, [failure]))

    def call_off(self, reason: Failure | None) -> None:
        """Its client wants no more of it, or is told the reason."""
        self._end(called_off(self._id, reason))
        if self._handle is not None:
            self._handle.cancel()

    def _complete(self) -> None:
        found = self._measurement.result()
        self._all.doubts.calibrate(self._key, found)
        right = self._measurement.right
        self._end(wire.Calibrated(self._id, self._model, found.area, found.questions, right, found.can_doubt))

    def _end(self, event: wire.Event) -> None:
        if not self._over:
            self._over = True
            self._all.doubts.close()
            self._all.ended(self._client, self._id, event)
