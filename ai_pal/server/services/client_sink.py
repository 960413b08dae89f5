"""A job that one client follows under its own id, with no router in between: how it hears of it."""

import msgspec

from ai_pal.errors import Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.protocol.worker import Counted, DeltaItem, Embedded, Reranked
from ai_pal.server.jobs import News, Result, Sink, a_worker
from ai_pal.server.ports import Clients


class ClientSink(Sink):
    """Implements `jobs.Sink`: each word goes to the client, and exactly one of them is the end. `remote`: who
    computes is on another machine."""

    def __init__(self, clients: Clients, client: bytes, request_id: int, *, remote: bool = False) -> None:
        self._clients, self._client, self._id, self._remote = clients, client, request_id, remote
        self._model, self._begun = "", False
        self.tokens = self._prompt_tokens = 0

    def accepted(self, model: str) -> None:
        self._model = model
        self._send(wire.Accepted(self._id))

    def news(self, news: News) -> None:
        self._send(msgspec.structs.replace(news, id=self._id))

    def read(self, tokens: int) -> None:
        self._prompt_tokens = tokens

    def delta(self, piece: DeltaItem) -> None:
        self._begin()
        self.tokens = piece.seq + piece.n
        self._send(
            wire.ForwardedDelta(
                self._id,
                piece.seq,
                piece.n,
                piece.text,
                piece.kind,
                piece.index,
                piece.call,
                piece.name,
                piece.signature,
            )
        )

    def done(self, result: Result) -> None:
        match result:
            case Embedded(_, vectors, dimensions, usage):
                self._send(wire.Embedded(self._id, self._model, dimensions, vectors, usage))
            case Reranked(_, scores, usage):
                self._send(wire.Reranked(self._id, self._model, scores, usage))
            case Counted(_, tokens):
                self._send(wire.Counted(self._id, self._model, tokens))
            case _:
                self._begin()
                timings = result.timings or Timings()
                reason, stop = result.finish_reason, result.stop
                self._send(wire.Done(self._id, reason, result.usage, timings, stop=stop))

    def failed(self, failure: Failure, usage: Usage, timings: Timings | None) -> None:
        if self._begun:
            self._send(wire.Interrupted(self._id, failure, usage, timings or Timings()))
        else:
            self._send(wire.Failed(self._id, [failure]))

    def cancelled(self, usage: Usage, timings: Timings) -> None:
        self._send(wire.Cancelled(self._id, usage, timings))

    def _begin(self) -> None:
        """Say who answers, once, of an empty answer too."""
        if not self._begun:
            self._begun = True
            why = a_worker(remote=self._remote)
            started = wire.Started(self._id, 1, "local", self._model, why, remote=self._remote)
            self._send(msgspec.structs.replace(started, prompt_tokens=self._prompt_tokens))

    def _send(self, event: wire.Event) -> None:
        self._clients.send(self._client, event)
