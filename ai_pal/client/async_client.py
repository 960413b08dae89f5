"""The client for a running asyncio event loop: many answers at once over one connection."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from ai_pal.client.answer import Answer
from ai_pal.client.asking import Asking, chat_request, route_request
from ai_pal.client.async_exchange import AsyncExchange
from ai_pal.client.async_stream import AsyncAnswerStream, AsyncStream
from ai_pal.client.face import (
    CONTROL_TIMEOUT,
    MODELS_TIMEOUT,
    PROVIDERS_TIMEOUT,
    REVISIONS_TIMEOUT,
    UNLOAD_TIMEOUT,
    Face,
)
from ai_pal.client.keywords import strict
from ai_pal.client.prompt import Prompt, conversation
from ai_pal.client.requests import (
    Completing,
    Counting,
    Embeddable,
    Embedding,
    Raw,
    Using,
    complete_request,
    count_request,
    embed_requests,
    load_request,
    pull_request,
    rerank_requests,
)
from ai_pal.client.usual import Usual
from ai_pal.client.vectors import Embeddings, Ranking, TokenCount
from ai_pal.errors import Code, fail
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import ToolCall
from ai_pal.protocol.hub import HubRevision, Order

T = TypeVar("T")


@strict
class AsyncClient(Face):
    """A connection to the supervisor at `endpoint`; use it as an async context manager.

    The methods are those of the blocking client, and raise `AiPalError` as they do. What asks, loads, pulls,
    unloads or stops begins with the call; awaiting or iterating follows it to its end. `serves` is where this
    program answers others, which `status` then tells."""

    def __init__(
        self,
        endpoint: str,
        *,
        timeout: float = 5.0,
        usual: Usual | None = None,
        serves: Sequence[str] = (),
    ) -> None:
        super().__init__(endpoint, usual)
        self._timeout, self._serves = timeout, serves
        self._made: tuple[AsyncExchange, wire.Welcome] | None = None
        self._begun: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        exchange = AsyncExchange(self._endpoint, self._serves)
        self._made = exchange, await exchange.greeted(self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def welcome(self) -> wire.Welcome:
        """What the supervisor said of itself."""
        return self._opened[1]

    @property
    def lost(self) -> bool:
        """Whether the supervisor is gone: nothing more can be asked here."""
        return self._exchange.lost

    def chat(self, prompt: Prompt, **how: Unpack[Asking]) -> AsyncAnswerStream:
        """Ask, and iterate over the events of the answer up to its terminal one. Leaving the iteration early
        (`contextlib.aclosing` does it for sure) cancels the answer."""
        request = chat_request(self._new_id(), prompt, how, self.usual)
        return AsyncAnswerStream(self._exchange, self._exchange.begin(request))

    async def ask(self, prompt: Prompt, *, schema: Any = None, **how: Unpack[Asking]) -> Answer:
        """Ask, and wait for the whole answer; keywords as for `chat`. With a `schema` (a JSON Schema as a
        dict, a `msgspec.Struct`, dataclass, `TypedDict` or pydantic model) the answer is of that form, and
        its `value` the object."""
        if schema is None:
            return await self.chat(prompt, **how).answer()
        from ai_pal.client.shape import Shape

        shape = Shape(schema)
        return shape.fill(await self.chat(prompt, **shape.applied(how)).answer())

    async def run_tools(
        self,
        functions: Sequence[Callable[..., Any]],
        prompt: Prompt,
        *,
        rounds: int = 8,
        on_call: Callable[[ToolCall], Any] | None = None,
        **how: Unpack[Asking],
    ) -> Answer:
        """Ask with these functions as tools, run what the model calls, and ask on with the results, until it
        answers without a call; `rounds` times at most. Plain functions run in a thread, the calls of one
        answer side by side. `on_call` is told of each call before it is made, and may refuse it by False.
        What a function raises is told to the model. The answer's `conversation` holds all of it."""
        from ai_pal.client.async_running import run_tools

        return await run_tools(self.ask, functions, conversation(prompt), rounds, on_call, how)

    def complete_stream(
        self, prompt: Raw, suffix: str | None = None, **how: Unpack[Completing]
    ) -> AsyncAnswerStream:
        """Go on with a text as it is, or with the model's own tokens of one, without a template; with a
        `suffix` write what belongs between the two. Iterate over the events as they come."""
        request = complete_request(self._new_id(), prompt, suffix, how, self.usual)
        return AsyncAnswerStream(self._exchange, self._exchange.begin(request))

    async def complete(self, prompt: Raw, suffix: str | None = None, **how: Unpack[Completing]) -> Answer:
        """The same, and wait for all of it."""
        return await self.complete_stream(prompt, suffix, **how).answer()

    async def embed(
        self, texts: Iterable[Embeddable], *, dimensions: int = 0, **how: Unpack[Embedding]
    ) -> Embeddings:
        """Turn each text into a vector of length 1; one may also be given as the model's tokens. `dimensions`
        0 is as many as the model has; fewer are the first ones, where the model was made for that. With
        `truncate` one that is too long is cut, without it refused."""
        requests = embed_requests(self._new_id, texts, dimensions, how, self.usual)
        return Embeddings(await self._exchange.replies(requests, wire.Embedded, self.meanwhile))

    async def rerank(self, query: str, texts: Iterable[str], **how: Unpack[Using]) -> Ranking:
        """Say how well each text answers the query."""
        requests = rerank_requests(self._new_id, query, texts, how, self.usual)
        return Ranking(await self._exchange.replies(requests, wire.Reranked, self.meanwhile))

    async def count_tokens(self, prompt: Prompt, **how: Unpack[Counting]) -> TokenCount:
        """How many tokens the prompt of `chat` with the same keywords has, template and tools included; its
        `.model` says by whose tokenizer."""
        request = await asyncio.to_thread(count_request, self._new_id(), prompt, how, self.usual)
        inbox = self._exchange.begin(request)
        reply = await self._exchange.reply(inbox, wire.Counted, meanwhile=self.meanwhile)
        return TokenCount(reply.tokens, reply.model)

    def cancel(self, request_id: int) -> None:
        """Stop the request with this id (every event carries it); it goes on to its end."""
        self._exchange.cancel(request_id)

    async def route(self, prompt: Prompt, **how: Unpack[Asking]) -> wire.Routed:
        """What `chat` with the same keywords would do, and why."""
        request = route_request(self._new_id(), prompt, how, self.usual)
        return await self._exchange.reply(self._exchange.begin(request), wire.Routed, CONTROL_TIMEOUT)

    async def providers(  # the options are the blocking client's
        self,
        timeout: float = PROVIDERS_TIMEOUT,  # noqa: ASYNC109
        *,
        near: bool = False,
        names: Iterable[str] = (),
    ) -> list[wire.ProviderStatus]:
        """The providers that are set up, each with the models that it has; `near`: of clouds only those that
        they would be asked for, and no cloud is asked. With `names` these alone."""
        request = wire.Providers(self._new_id(), near, list(names))
        reply = await self._exchange.reply(self._exchange.begin(request), wire.ProvidersReply, timeout)
        return reply.providers

    async def search(self, words: str, *, limit: int = 20, sort: Order = "downloads") -> wire.SearchReply:
        """Models of the hub with these words in their names that can run here. The words leave this
        machine."""
        request = wire.Search(self._new_id(), words, limit, sort, self.usual.local_only)
        return await self._exchange.reply(self._exchange.begin(request), wire.SearchReply, PROVIDERS_TIMEOUT)

    async def revisions(self, references: Sequence[str]) -> list[HubRevision]:
        """What the hub has now under each reference (`org/name@revision`); nothing is fetched."""
        request = wire.Revisions(self._new_id(), list(references))
        reply = await self._exchange.reply(
            self._exchange.begin(request), wire.RevisionsReply, REVISIONS_TIMEOUT
        )
        return reply.revisions

    async def models(self, *, here: bool = False) -> list[wire.ModelInfo]:
        """The models that can be named; with `here` only those that are on this machine."""
        request = wire.Models(self._new_id(), here)
        reply = await self._exchange.reply(self._exchange.begin(request), wire.ModelsReply, MODELS_TIMEOUT)
        return reply.models

    async def status(self) -> wire.StatusReply:
        """What the supervisor and its workers are doing."""
        request = wire.Status(self._new_id())
        return await self._exchange.reply(self._exchange.begin(request), wire.StatusReply, CONTROL_TIMEOUT)

    def events(self) -> AsyncStream[wire.Picture | wire.Changes]:
        """Look on, from this call: one `Picture` of models, requests and downloads, then the `Changes`; a
        `Picture` again where these were not read in time. `Scene` puts them together."""
        inbox = self._exchange.begin(wire.Subscribe(self._new_id()))
        return AsyncStream(self._exchange, inbox, wire.Picture, wire.Changes)

    async def rate(self, answer: int, good: bool) -> bool:
        """Say whether an answer of this client was good, by the id of its events. True: something was learned
        of it; the setting `[router] learn` has to be on, and its model one that can doubt."""
        request = wire.Rate(self._new_id(), answer, good)
        reply = await self._exchange.reply(self._exchange.begin(request), wire.Rated, CONTROL_TIMEOUT)
        return reply.learned

    async def drain(self, node: str, undo: bool = False) -> list[str]:
        """Have nothing more started on this node of a cluster, and what runs there ended, each worker when
        its answers are done; the models that leave it. `undo` makes it as other nodes again."""
        request = wire.Drain(self._new_id(), node, undo)
        reply = await self._exchange.reply(self._exchange.begin(request), wire.Drained, CONTROL_TIMEOUT)
        return reply.models

    async def call_off(self, key: str) -> bool:
        """Stop a request of any client, by its `key` in `events`: its client hears that it failed with the
        code `cancelled`, and who wanted it. False: no such request is open."""
        request = wire.CallOff(self._new_id(), key)
        reply = await self._exchange.reply(self._exchange.begin(request), wire.CalledOff, CONTROL_TIMEOUT)
        return reply.open

    def load(
        self, model: str = "", keep_alive: float | None = None, *, pull: bool = False, pull_limit: int = 0
    ) -> AsyncStream[wire.Pulling | wire.Loading | wire.Loaded]:
        """Load a model, from this call on; yields `Loading` events and then one `Loaded`, which awaiting
        gives. With `pull` a model that is not here is downloaded first: `Pulling` events."""
        request = load_request(self._new_id(), model, keep_alive, pull, pull_limit, self.usual)
        kinds = (wire.Pulling, wire.Loading, wire.Loaded)
        return AsyncStream(self._exchange, self._exchange.begin(request), *kinds)

    def pull(self, model: str = "", *, newer: bool = False) -> AsyncStream[wire.Pulling | wire.Pulled]:
        """Bring a model onto this machine, from this call on; yields `Pulling` events and then one `Pulled`.
        Leaving the iteration early stops the download, unless others follow it; what has come is kept.
        With `newer` the hub is asked for its latest although the model is here."""
        request = pull_request(self._new_id(), model, newer, self.usual)
        return AsyncStream(self._exchange, self._exchange.begin(request), wire.Pulling, wire.Pulled)

    def calibrate(self, model: str = "") -> AsyncStream[wire.Loading | wire.Calibrating | wire.Calibrated]:
        """Measure whether a model of this machine doubts what it gets wrong, from this call on; yields
        `Calibrating` events and then one `Calibrated`. Takes minutes."""
        kinds = (wire.Loading, wire.Calibrating, wire.Calibrated)
        return AsyncStream(
            self._exchange, self._exchange.begin(wire.Calibrate(self._new_id(), model)), *kinds
        )

    def unload(self, model: str = "", timeout: float = UNLOAD_TIMEOUT) -> "asyncio.Task[list[str]]":
        """Unload a model, all without a name; awaited it gives what was unloaded."""
        inbox = self._exchange.begin(wire.Unload(self._new_id(), model))

        async def unloaded() -> list[str]:
            return (await self._exchange.reply(inbox, wire.Unloaded, timeout)).models

        return self._own(unloaded())

    def stop(self, *, only_if_idle: bool = False) -> "asyncio.Task[wire.Stopping]":
        """Stop the supervisor. Raises `AiPalError` (`model_busy`) when it is to stop only if idle."""
        inbox = self._exchange.begin(wire.Stop(self._new_id(), only_if_idle))
        return self._own(self._exchange.reply(inbox, wire.Stopping, CONTROL_TIMEOUT))

    async def wait_gone(self, timeout: float) -> bool:  # noqa: ASYNC109
        """Wait until the supervisor has closed the connection; False when it still has not."""
        return await self._exchange.wait_lost(timeout)

    def close(self) -> None:
        """Leave: what is still open is cancelled. The loop may be closed already."""
        if self._made is not None:
            self._exchange.close()

    @property
    def _opened(self) -> tuple[AsyncExchange, wire.Welcome]:
        """The connection and what it was greeted with. Raises `AiPalError` (`client_closed`)."""
        if self._made is None:
            fail(
                Code.CLIENT_CLOSED,
                "this client is not open yet",
                "`async with` opens it, and closes it",
            )
        return self._made

    @property
    def _exchange(self) -> AsyncExchange:
        return self._opened[0]

    def _new_id(self) -> int:
        return self._exchange.core.new_id()

    def _own(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """The rest of what a call has begun, whether it is awaited or not."""
        task = self._exchange.loop.create_task(work)
        self._begun.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._begun.discard(task)
        if self._exchange.closed and not task.cancelled():
            task.exception()  # who has left does not wait: nothing to complain of
