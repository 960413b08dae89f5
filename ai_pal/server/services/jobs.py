"""Operations that are jobs of this machine's models: raw completion, vectors, ranking, counts of tokens."""

from collections.abc import Callable, Sequence

import msgspec

from ai_pal.catalog import with_adapters
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.server.jobs import Backend, Handle, Job, Pull, Result, Work
from ai_pal.server.ports import Clients
from ai_pal.server.services.activity import Computed
from ai_pal.server.services.client_sink import ClientSink
from ai_pal.server.services.open_requests import OpenRequests
from ai_pal.transport.sockets import Blob

Asked = wire.Complete | wire.Embed | wire.Rerank | wire.CountTokens

LARGEST_RESULT = 48 * 1024 * 1024
"""Bytes that vectors may have in one event: clients are told to take 64 MiB."""

ModelOf = Callable[[Asked], str]
"""The model that is meant where a request names none. Raises `AiPalError`."""


class Jobs(OpenRequests["OpenJob"]):
    """Implements `Service` for `complete`, `embed`, `rerank` and `count_tokens`, and
    `subscriptions.Computing`. Time, queues and retries are the pool's."""

    def __init__(
        self,
        clients: Clients,
        models: Backend,
        model_of: ModelOf,
        *,
        leaves: Callable[[Job], bool] = lambda job: False,
    ) -> None:
        """`leaves` says of a job whether what it says leaves this machine."""
        super().__init__()
        self._clients, self._models, self._model_of, self._leaves = clients, models, model_of, leaves

    def start(self, client: bytes, request: Asked, blobs: Sequence[Blob] = ()) -> None:
        try:
            job = self._job(client, request, blobs)
        except AiPalError as error:
            self._clients.send(client, wire.Failed(request.id, [error.failure]))
            return
        opened = self._open[client, request.id] = OpenJob(
            self._clients, client, request.id, self._forget, remote=self._leaves(job)
        )
        opened.handle = self._models.start(job, opened)

    def computed(self, client: bytes, request_id: int) -> Computed | None:
        opened = self._open.get((client, request_id))
        if opened is None or opened.handle is None:
            return None
        return Computed(opened.handle.dispatched_at is not None, opened.tokens)

    def _job(self, client: bytes, request: Asked, blobs: Sequence[Blob]) -> Job:
        model = request.model or self._model_of(request)
        if isinstance(request, wire.Complete | wire.CountTokens) and request.options.lora:
            model = with_adapters(model, request.options.lora)
            options = msgspec.structs.replace(request.options, lora=[])
            request = msgspec.structs.replace(request, options=options)
        job = Job(
            work=work_of(request),
            model=model,
            owner=client,
            principal=request.principal,
            blobs=blobs,
            private=request.privacy == "local",
            mine=request.privacy == "mine",
        )
        if isinstance(request, wire.CountTokens):
            return job
        return msgspec.structs.replace(
            job,
            deadline=request.deadline,
            keep_alive=request.keep_alive,
            usual_keep_alive=request.usual_keep_alive,
            pull=Pull(request.pull_limit, request.pip) if request.pull else None,
        )


class OpenJob(ClientSink):
    """One job of a client, from its start to its end."""

    def __init__(
        self,
        clients: Clients,
        client: bytes,
        request_id: int,
        ended: Callable[[bytes, int], None],
        *,
        remote: bool = False,
    ) -> None:
        super().__init__(clients, client, request_id, remote=remote)
        self.handle: Handle | None = None
        self._ended, self._over = ended, False
        self._reason: Failure | None = None

    def call_off(self, reason: Failure | None = None) -> None:
        """End it: its client wants that, or is told the reason."""
        self._reason = reason
        if self.handle is not None:
            self.handle.cancel()
        self.cancelled(Usage(), Timings())  # where no worker has it yet

    def done(self, result: Result) -> None:
        if isinstance(result, inner.Embedded) and len(result.vectors) > LARGEST_RESULT:
            message = f"the vectors have {len(result.vectors):,} bytes, {LARGEST_RESULT:,} fit into an answer"
            too_large = Failure(Code.FRAME_TOO_LARGE, message, "embed fewer texts at once")
            return self.failed(too_large, result.usage, None)
        return super().done(result)

    def cancelled(self, usage: Usage, timings: Timings) -> None:
        if self._reason is not None:
            self.failed(self._reason, usage, timings)
        else:
            super().cancelled(usage, timings)

    def _send(self, event: wire.Event) -> None:
        if self._over:
            return
        if type(event) in wire.ENDING:
            self._over = True
            self._ended(self._client, self._id)
        super()._send(event)


def work_of(request: Asked) -> Work:
    """What a worker is told."""
    match request:
        case wire.Complete():
            return inner.CompleteText(
                0, request.prompt, request.suffix, request.options, request.prompt_logprobs
            )
        case wire.Embed():
            return inner.EmbedTexts(0, request.texts, request.dimensions, request.truncate)
        case wire.Rerank():
            return inner.RerankTexts(0, request.query, request.texts)
        case wire.CountTokens():
            return inner.CountTokens(0, request.messages, request.options)
