"""Questions to the hub that bring no files, asked through the egress process."""

import itertools
from collections.abc import Callable, Sequence

import msgspec

from ai_pal import privacy
from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as out
from ai_pal.protocol.hub import MOST_FOUND, MOST_REFERENCES, MOST_WORDS
from ai_pal.server.children.egress import EgressProcess
from ai_pal.server.pool.failures import CLOSING
from ai_pal.server.ports import Clients, Clock
from ai_pal.server.services.base import called_off
from ai_pal.transport.sockets import Blob

MOST_OPEN = 32
START_SECONDS = 30.0
"""What the egress process gets to come up, and to answer beyond the time that it gives the hub."""


class _Open(msgspec.Struct, eq=False):
    """One question. `until` is when it ends without an answer."""

    client: bytes
    id: int
    question: out.HubQuestion
    until: float
    sent: bool = False


class HubQuestions:
    """Implements `Service` for `search` and `revisions`; the egress process calls it too. With `private`
    or `mine` no words of a user's leave this machine."""

    def __init__(
        self,
        clients: Clients,
        egress: EgressProcess,
        clock: Clock,
        *,
        private: Callable[[], bool] = lambda: False,
        mine: Callable[[], bool] = lambda: False,
    ) -> None:
        self._clients, self._egress, self._clock = clients, egress, clock
        self._private, self._mine = private, mine
        self._open: dict[int, _Open] = {}
        self._keys = itertools.count(1)
        self._closing = False
        egress.join(self, out.HubFound, out.HubRevisions, out.HubFailed)

    @property
    def busy(self) -> bool:
        return bool(self._open)

    # -- from clients --------------------------------------------------------------------------

    def start(self, client: bytes, request: wire.Search | wire.Revisions, blobs: Sequence[Blob] = ()) -> None:
        try:
            self._begin(client, request.id, self._question(request))
        except AiPalError as error:
            self._clients.send(client, wire.Failed(request.id, [error.failure]))

    def cancel(self, client: bytes, request_id: int, reason: Failure | None = None) -> bool:
        for opened in self._of(client):
            if opened.id == request_id:
                self._end(opened, called_off(request_id, reason))
                return True
        return False

    def client_gone(self, client: bytes, failure: Failure | None = None) -> None:
        for opened in self._of(client):
            self._end(opened, None if failure is None else wire.Failed(opened.id, [failure]))

    # -- from the egress process ---------------------------------------------------------------

    def egress_ready(self) -> None:
        for opened in list(self._open.values()):
            self._send(opened)

    def egress_message(self, message: out.FromEgress) -> None:
        opened = self._open.get(getattr(message, "key", 0))
        if opened is None:  # nobody waits any more
            return
        match message:
            case out.HubFound():
                self._end(opened, wire.SearchReply(opened.id, message.hub, message.models))
            case out.HubRevisions():
                self._end(opened, wire.RevisionsReply(opened.id, message.revisions))
            case out.HubFailed():
                self._end(opened, wire.Failed(opened.id, [message.failure]))

    def egress_gone(self, reason: Failure | None) -> None:
        """What was asked is lost with the process; what was not gets a new one, unless this one died."""
        for opened in list(self._open.values()):
            if opened.sent or reason is not None:
                self._end(opened, wire.Failed(opened.id, [reason or _LOST]))
        if not self._open:
            return
        try:
            self._egress.start()
        except AiPalError as error:
            for opened in list(self._open.values()):
                self._end(opened, wire.Failed(opened.id, [error.failure]))

    # -- time ----------------------------------------------------------------------------------

    def tick(self) -> None:
        now = self._clock.now()
        for opened in list(self._open.values()):
            if now >= opened.until:
                self._end(opened, wire.Failed(opened.id, [_SILENT]))
            else:
                self._clock.wake_at(opened.until)

    def shutdown(self, drain: float) -> None:
        """There is no time left for the hub's."""
        self._closing = True
        for opened in list(self._open.values()):
            self._end(opened, wire.Failed(opened.id, [CLOSING]))

    # -- inside --------------------------------------------------------------------------------

    def _question(self, request: wire.Search | wire.Revisions) -> out.HubQuestion:
        """What leaves, past the privacy check. Raises `AiPalError` (`bad_request`, `local_only`)."""
        if isinstance(request, wire.Revisions):
            if len(request.references) > MOST_REFERENCES:
                fail(Code.BAD_REQUEST, f"`references` has at most {MOST_REFERENCES}", "ask more than once")
            return out.AskRevisions(next(self._keys), request.references)
        words = " ".join(request.words.split())
        if not 0 < len(words) <= MOST_WORDS:
            fail(Code.BAD_REQUEST, f"`words` has 1 to {MOST_WORDS} characters", "name part of a model's name")
        if not 1 <= request.limit <= MOST_FOUND:
            fail(Code.BAD_REQUEST, f"`limit` is from 1 to {MOST_FOUND}", "ask for fewer, by more words")
        privacy.admit_words(local_only=request.local_only or self._private(), mine=self._mine())
        return out.SearchHub(next(self._keys), words, request.limit, request.sort)

    def _begin(self, client: bytes, request_id: int, question: out.HubQuestion) -> None:
        if self._closing:
            raise AiPalError(CLOSING)
        if len(self._open) >= MOST_OPEN:
            message = f"the hub is asked {MOST_OPEN} things already"
            fail(Code.OVERLOADED, message, "try again in a moment", retryable=True, retry_after=1.0)
        self._egress.start()
        until = self._clock.now() + question.timeout + START_SECONDS
        opened = self._open[question.key] = _Open(client, request_id, question, until)
        self._clock.wake_at(until)
        self._send(opened)

    def _send(self, opened: _Open) -> None:
        opened.sent = opened.sent or self._egress.send(opened.question)

    def _of(self, client: bytes) -> list[_Open]:
        return [opened for opened in self._open.values() if opened.client == client]

    def _end(self, opened: _Open, event: wire.Event | None) -> None:
        del self._open[opened.question.key]
        self._egress.rested()
        if event is not None:
            self._clients.send(opened.client, event)


_LOST = Failure(
    Code.WORKER_DIED, "the egress process ended while the hub was asked", "try again", retryable=True
)
_SILENT = Failure(
    Code.WORKER_HUNG, "the egress process said nothing of the hub", "look at: ai-pal logs", retryable=True
)
