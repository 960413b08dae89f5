"""Calibrations: a model of this machine is asked questions whose answers are known, one after the other. How
well its doubts told what it got wrong is kept."""

from collections.abc import Callable, Sequence

import msgspec

from ai_pal.catalog.resolved import Resolved
from ai_pal.errors import AiPalError, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.server.jobs import Answered, Backend, Handle, Job, News, Result, Sink
from ai_pal.server.ports import Clients
from ai_pal.server.router.cascade.calibration import Marked, area
from ai_pal.server.router.cascade.kinds import prompted
from ai_pal.server.router.cascade.questions import MOST_TOKENS, Question, is_right, questions
from ai_pal.server.services.base import called_off
from ai_pal.store.doubts import Calibration, DoubtFile, key_of
from ai_pal.transport.sockets import Blob

ASKED = 150
"""Questions of a calibration."""


class Calibrations:
    """Implements `Service` for `calibrate`. Time, queues and retries are the pool's."""

    def __init__(
        self, clients: Clients, models: Backend, resolve: Callable[[str], Resolved], doubts: DoubtFile
    ) -> None:
        self._clients, self._models, self._resolve, self._doubts = clients, models, resolve, doubts
        self._open: dict[tuple[bytes, int], OpenCalibration] = {}

    @property
    def busy(self) -> bool:
        return bool(self._open)

    def start(self, client: bytes, request: wire.Calibrate, blobs: Sequence[Blob] = ()) -> None:
        try:
            resolved = self._resolve(request.model)
        except AiPalError as error:
            self._clients.send(client, wire.Failed(request.id, [error.failure]))
            return
        opened = OpenCalibration(self, client, request, resolved)
        self._open[client, request.id] = opened
        opened.ask()

    def cancel(self, client: bytes, request_id: int, reason: Failure | None = None) -> bool:
        opened = self._open.get((client, request_id))
        if opened is not None:
            opened.call_off(reason)
        return opened is not None

    def client_gone(self, client: bytes, failure: Failure | None = None) -> None:
        for (owner, _), opened in list(self._open.items()):
            if owner == client:
                opened.call_off(failure)

    def tick(self) -> None:
        """The pool looks at the time."""

    def shutdown(self, drain: float) -> None:
        """The pool ends what it has, and refuses what comes."""

    # -- from what is open -----------------------------------------------------------------------

    def begin(self, job: Job, sink: Sink) -> Handle:
        """Have a question asked."""
        return self._models.start(job, sink)

    def tell(self, client: bytes, event: wire.Event) -> None:
        """Something that the client hears."""
        self._clients.send(client, event)

    def ended(self, client: bytes, request_id: int, event: wire.Event) -> None:
        """It is over, with this event."""
        del self._open[client, request_id]
        self._clients.send(client, event)

    def keep(self, resolved: Resolved, calibration: Calibration) -> None:
        """What was measured of a model."""
        self._doubts.calibrate(key_of(resolved), calibration)


class OpenCalibration:
    """One of them, from its first question to its end."""

    def __init__(
        self, all_of: Calibrations, client: bytes, request: wire.Calibrate, resolved: Resolved
    ) -> None:
        self._all, self._client, self._id, self._resolved = all_of, client, request.id, resolved
        self._model = request.model or resolved.load.model
        self._questions = questions()[:ASKED]
        self._marked: list[Marked] = []
        self._right = 0
        self._handle: Handle | None = None
        self._asked, self._over = 0, False

    def ask(self) -> None:
        """The next question, or the end."""
        if self._asked == len(self._questions):
            return self._complete()
        question = self._questions[self._asked]
        self._asked += 1
        kind, probe = prompted(question.prompt)
        options = GenerationOptions(temperature=0.0, max_tokens=MOST_TOKENS)
        messages = [Message("user", question.prompt)]
        work = inner.Generate(0, messages, options, watch=True, probe=probe)
        job = Job(work=work, model=self._model, owner=self._client, resolved=self._resolved, private=True)
        self._handle = self._all.begin(job, AskedQuestion(self, question, kind))
        return None

    def told(self, marked: Marked | None) -> None:
        """An answer has come; None: without a number that doubts it."""
        if self._over:
            return
        if marked is not None:
            self._marked.append(marked)
            self._right += marked.right
        self._all.tell(
            self._client, wire.Calibrating(self._id, self._model, self._asked, len(self._questions))
        )
        self.ask()

    def news(self, news: News) -> None:
        """What is told of its first load."""
        if not self._over and isinstance(news, wire.Loading | wire.Queued):
            self._all.tell(self._client, msgspec.structs.replace(news, id=self._id))

    def fail(self, failure: Failure) -> None:
        """A question could not be asked: nothing is kept."""
        self._end(wire.Failed(self._id, [failure]))

    def call_off(self, reason: Failure | None) -> None:
        """Its client wants no more of it, or is told the reason."""
        self._end(called_off(self._id, reason))
        if self._handle is not None:
            self._handle.cancel()

    def _complete(self) -> None:
        found = Calibration(area(self._marked), len(self._marked))
        self._all.keep(self._resolved, found)
        self._end(
            wire.Calibrated(self._id, self._model, found.area, found.questions, self._right, found.can_doubt)
        )

    def _end(self, event: wire.Event) -> None:
        if not self._over:
            self._over = True
            self._all.ended(self._client, self._id, event)


class AskedQuestion(Sink):
    """Hears what becomes of one question."""

    def __init__(self, of: OpenCalibration, question: Question, kind: str) -> None:
        self._of, self._question, self._kind = of, question, kind
        self._texts: list[str] = []
        self._probe: float | None = None

    def accepted(self, model: str) -> None:
        return

    def news(self, news: News) -> None:
        self._of.news(news)

    def probed(self, entropy: float) -> None:
        self._probe = entropy

    def delta(self, piece: inner.DeltaItem) -> None:
        if piece.kind == "text":
            self._texts.append(msgspec.msgpack.decode(piece.text, type=str))

    def done(self, result: Result) -> None:
        right = is_right(self._question, "".join(self._texts))
        doubt = result.doubt if isinstance(result, Answered) else None
        if self._probe is not None:
            self._of.told(Marked((self._kind, "probe"), self._probe, right))
        elif doubt is not None and doubt.tokens:
            self._of.told(Marked((self._kind, "whole"), -doubt.logprob, right))
        else:
            self._of.told(None)

    def failed(self, failure: Failure, usage: Usage, timings: Timings | None) -> None:
        self._of.fail(failure)

    def cancelled(self, usage: Usage, timings: Timings) -> None:
        return
