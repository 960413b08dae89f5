"""Models on this machine, as people know them from Python: thin over the supervisor and its clients,
which is started when needed. Everything raises `AiPalError`."""

import contextlib
import functools
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable, Sequence
from types import TracebackType
from typing import Any, Self, Unpack

from ai_pal.client import Answer, Client
from ai_pal.client.keywords import strict
from ai_pal.client.prompt import Prompt
from ai_pal.client.sampling import Options, Sampling
from ai_pal.client.shape import shape_of
from ai_pal.client.vectors import Embeddings
from ai_pal.models.access import Access, Folder
from ai_pal.models.begun import Begun, begin
from ai_pal.models.connections import ClientPool, LoopClients
from ai_pal.models.failure import local_failure
from ai_pal.models.question import messages_of
from ai_pal.protocol.client import AnyEvent, Delta, Failed
from ai_pal.protocol.content import ToolCall
from ai_pal.protocol.provider import OLLAMA_URL


@strict
class LocalLLMProvider:
    """Answers for asyncio. One provider serves any number of questions at once, and any event loop.

    `model_cache_dir` is where models are kept: by default the setting of that name, `~/.ai-pal/models`
    unless changed; one that the running supervisor does not have gets a supervisor of this process. A model
    that cannot run here is asked for at the Ollama server at `base_url` (default: the setting). With
    `enable_direct_loading=False` or `LOCAL_DIRECT_LOADING=false` nothing is loaded here, and Ollama is asked
    at once. With `auto_pull` a model that is not here is downloaded whatever its size; without, only a small
    one (default: the setting). Where nothing helped, `LocalMethodsError` is raised, a `RuntimeError`."""

    def __init__(
        self,
        enable_direct_loading: bool = True,
        model_cache_dir: Folder | None = None,
        base_url: str = OLLAMA_URL,
        *,
        auto_pull: bool | None = None,
    ) -> None:
        self._access = Access(enable_direct_loading, model_cache_dir, base_url, auto_pull)
        self._clients = LoopClients(self._access.endpoint)

    async def generate(self, prompt: Prompt, *, model: str = "", **options: Unpack[Sampling]) -> str:
        """The text of the answer."""
        return (await self.ask(prompt, model=model, **options)).text

    async def generate_streaming(
        self, prompt: Prompt, *, model: str = "", **options: Unpack[Sampling]
    ) -> AsyncGenerator[str, None]:
        """The text of the answer, piece by piece. Leaving the iteration stops the computing."""
        answer = Answer()
        async with contextlib.aclosing(self._events(prompt, model, options)) as events:
            async for event in events:
                answer.take(event)
                if isinstance(event, Delta) and event.kind == "text":
                    yield event.text

    async def ask(
        self, prompt: Prompt, *, model: str = "", schema: Any = None, **options: Unpack[Sampling]
    ) -> Answer:
        """The answer with its model, token counts, timings and notices. With a `schema` (a JSON Schema as a
        dict, a `msgspec.Struct`, dataclass, `TypedDict` or pydantic model) its `value` is the object."""
        shape, answer = shape_of(schema), Answer()
        how: Any = shape.applied(options)
        async with contextlib.aclosing(self._events(prompt, model, how)) as events:
            async for event in events:
                answer.take(event)
        return shape.fill(answer)

    async def run_tools(
        self,
        functions: Sequence[Callable[..., Any]],
        prompt: Prompt,
        *,
        model: str = "",
        rounds: int = 8,
        on_call: Callable[[ToolCall], Any] | None = None,
        **options: Unpack[Sampling],
    ) -> Answer:
        """Ask with these functions as tools, run what the model calls, and ask on with the results, until it
        answers without a call; `rounds` times at most. As `AsyncClient.run_tools`."""
        from ai_pal.client.async_running import run_tools

        ask = functools.partial(self.ask, model=model)
        return await run_tools(ask, functions, messages_of(prompt), rounds, on_call, options)

    async def embed(self, texts: Iterable[str], *, model: str = "", dimensions: int = 0) -> Embeddings:
        """Turn each text into a vector of length 1; `dimensions` 0 is as many as the model has. Without a
        name it is one of this machine's that can."""
        how = self._access.using(self._access.model(model) if model else "")
        client = await self._clients.get()
        return await client.embed(texts, dimensions=dimensions, **how)

    async def complete(
        self, prompt: str, suffix: str | None = None, *, model: str = "", **options: Unpack[Options]
    ) -> Answer:
        """Go on with a text as it is, without a template; with a `suffix` write what belongs between."""
        how = self._access.using(self._access.model(model))
        client = await self._clients.get()
        return await client.complete(prompt, suffix, **how, **options)

    async def count_tokens(
        self, prompt: Prompt, *, model: str = "", system: str | None = None, **options: Unpack[Options]
    ) -> int:
        """How many tokens the prompt of `ask` with the same keywords has, template and tools included."""
        reference = self._access.using(self._access.model(model))["model"]
        client = await self._clients.get()
        return await client.count_tokens(prompt, model=reference, system=system, **options)

    def unload_all_models(self) -> Begun[list[str]]:
        """Unload every model of the supervisor, also those that others loaded: the call itself does it, and
        awaited it gives what was unloaded. Answers under way are finished first, waiting ones fail. Starts
        nothing. Where no event loop runs, it blocks until they are gone."""
        return begin(self._unload, "unload")

    def aclose(self) -> Awaitable[None]:
        """Close this event loop's connection: what is asked over it is cancelled. Models stay warm."""
        return self._clients.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _unload(self) -> list[str]:
        endpoint = self._access.running_endpoint()
        if not endpoint:
            return []
        with Client(endpoint) as client:
            return client.unload()

    async def _events(self, prompt: Prompt, model: str, options: Sampling) -> AsyncGenerator[AnyEvent, None]:
        question, how = self._access.question(prompt, options), self._access.locally(model)
        how["options"], how["deadline"] = question.options, question.deadline
        client = await self._clients.get()
        async with contextlib.aclosing(client.chat(question.messages, **how)) as events:
            async for event in events:
                if isinstance(event, Failed):
                    raise local_failure(how["model"], event.reasons)
                yield event


@strict
class DirectModelWrapper:
    """One model for plain code, from any thread; works in a notebook too, where a loop is running.

    An empty `model` is the default model; the rest as for `LocalLLMProvider`."""

    def __init__(
        self,
        model: str = "",
        model_cache_dir: Folder | None = None,
        *,
        auto_pull: bool | None = None,
    ) -> None:
        self._access = Access(model_cache_dir=model_cache_dir, auto_pull=auto_pull)
        self._clients = ClientPool(self._access.endpoint)
        self.model = self._access.model(model)

    def generate(self, prompt: Prompt, **options: Unpack[Sampling]) -> str:
        """The text of the answer."""
        return self.ask(prompt, **options).text

    def generate_streaming(self, prompt: Prompt, **options: Unpack[Sampling]) -> Generator[str, None, None]:
        """The text of the answer, piece by piece. Leaving the iteration stops the computing."""
        answer = Answer()
        with contextlib.closing(self._events(prompt, options)) as events:
            for event in events:
                answer.take(event)
                if isinstance(event, Delta) and event.kind == "text":
                    yield event.text

    def ask(self, prompt: Prompt, *, schema: Any = None, **options: Unpack[Sampling]) -> Answer:
        """The answer with its model, token counts, timings and notices. With a `schema` (a JSON Schema as a
        dict, a `msgspec.Struct`, dataclass, `TypedDict` or pydantic model) its `value` is the object."""
        shape, answer = shape_of(schema), Answer()
        how: Any = shape.applied(options)
        with contextlib.closing(self._events(prompt, how)) as events:
            for event in events:
                answer.take(event)
        return shape.fill(answer)

    def run_tools(
        self,
        functions: Sequence[Callable[..., Any]],
        prompt: Prompt,
        *,
        rounds: int = 8,
        on_call: Callable[[ToolCall], Any] | None = None,
        **options: Unpack[Sampling],
    ) -> Answer:
        """Ask with these functions as tools, run what the model calls, and ask on with the results, until it
        answers without a call; `rounds` times at most. As `Client.run_tools`."""
        from ai_pal.client.running import run_tools

        return run_tools(self.ask, functions, messages_of(prompt), rounds, on_call, options)

    def embed(self, texts: Iterable[str], *, dimensions: int = 0) -> Embeddings:
        """Turn each text into a vector of length 1; `dimensions` 0 is as many as the model has."""
        how = self._access.using(self.model)
        with self._clients.lend() as client:
            return client.embed(texts, dimensions=dimensions, **how)

    def complete(self, prompt: str, suffix: str | None = None, **options: Unpack[Options]) -> Answer:
        """Go on with a text as it is, without a template; with a `suffix` write what belongs between."""
        how = self._access.using(self.model)
        with self._clients.lend() as client:
            return client.complete(prompt, suffix, **how, **options)

    def count_tokens(self, prompt: Prompt, *, system: str | None = None, **options: Unpack[Options]) -> int:
        """How many tokens the prompt of `ask` with the same keywords has, template and tools included."""
        reference = self._access.using(self.model)["model"]
        with self._clients.lend() as client:
            return client.count_tokens(prompt, model=reference, system=system, **options)

    def unload(self) -> bool:
        """Unload the model, once its answers are given; False if it was not loaded. Starts nothing."""
        endpoint = self._access.running_endpoint()
        if not endpoint:
            return False
        with Client(endpoint) as client:
            return bool(client.unload(self.model))

    def close(self) -> None:
        """Close the connections. The model stays warm."""
        self._clients.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _events(self, prompt: Prompt, options: Sampling) -> Generator[AnyEvent, None, None]:
        question, how = self._access.question(prompt, options), self._access.directly(self.model)
        how["options"], how["deadline"] = question.options, question.deadline
        with self._clients.lend() as client:
            stream = client.chat(question.messages, **how)
            with contextlib.closing(stream):
                yield from stream
