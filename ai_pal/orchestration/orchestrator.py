"""The router as people know it from Python: one call, answered by this machine, Ollama or a cloud."""

import contextlib
import functools
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self, Unpack

from ai_pal.client import Answer
from ai_pal.client.asking import Asking
from ai_pal.client.keywords import strict
from ai_pal.client.prompt import Prompt
from ai_pal.client.sampling import Sampling
from ai_pal.client.shape import shape_of
from ai_pal.models.access import Access, Folder
from ai_pal.models.connections import LoopClients
from ai_pal.models.question import messages_of
from ai_pal.protocol.client import AnyEvent, Goal, Routed, Task
from ai_pal.protocol.content import ToolCall
from ai_pal.protocol.provider import OLLAMA_URL


@strict
class MultiModelOrchestrator:
    """Answers for asyncio, from whoever suits the prompt. One orchestrator serves any number of questions at
    once, and any event loop.

    `optimization_goal` is `privacy`, `cost`, `latency`, `quality` or `balanced` (empty: the setting),
    `max_cost` US dollars per answer. With `local_only` nothing leaves this machine, whatever a single
    question says. Without keys and consent (`ai-pal consent`) everything is answered here.
    `model_cache_dir`, `base_url` (of Ollama) and `auto_pull` are as for `LocalLLMProvider`. What goes wrong
    is an `AiPalError`."""

    def __init__(
        self,
        optimization_goal: Goal = "",
        *,
        local_only: bool = False,
        max_cost: float | None = None,
        fallback: bool = True,
        model_cache_dir: Folder | None = None,
        base_url: str = OLLAMA_URL,
        auto_pull: bool | None = None,
    ) -> None:
        self._access = Access(True, model_cache_dir, base_url, auto_pull)
        self._clients = LoopClients(self._access.endpoint)
        self._goal, self._local_only = optimization_goal, local_only
        self._max_cost, self._fallback = max_cost, fallback

    async def route_request(
        self,
        prompt: Prompt,
        task_type: Task = "general",
        optimization_goal: Goal = "",
        *,
        model: str = "",
        local_only: bool = False,
        max_cost: float | None = None,
        schema: Any = None,
        **options: Unpack[Sampling],
    ) -> Answer:
        """The answer, with who gave it and why, its complexity score, and what it cost.

        `task_type` says what kind of work it is, where that is known: it bounds the score. An empty `model`
        lets the router choose; `openai:gpt-4.1`, `ollama:phi` or `phi-2` name one. With a `schema` (a JSON
        Schema as a dict, a `msgspec.Struct`, dataclass, `TypedDict` or pydantic model) the answer's `value`
        is the object."""
        shape, answer = shape_of(schema), Answer()
        how = self._asking(task_type, optimization_goal, model, local_only, max_cost)
        wishes: Any = shape.applied(options)
        async with contextlib.aclosing(self._events(prompt, how, wishes)) as events:
            async for event in events:
                answer.take(event)
        return shape.fill(answer)

    async def run_tools(
        self,
        functions: Sequence[Callable[..., Any]],
        prompt: Prompt,
        task_type: Task = "general",
        optimization_goal: Goal = "",
        *,
        rounds: int = 8,
        on_call: Callable[[ToolCall], Any] | None = None,
        model: str = "",
        local_only: bool = False,
        max_cost: float | None = None,
        **options: Unpack[Sampling],
    ) -> Answer:
        """Ask with these functions as tools, run what the model calls, and ask on with the results, until it
        answers without a call; `rounds` times at most. Each question goes where the router sends it, and
        costs `max_cost` at most. As `AsyncClient.run_tools`."""
        from ai_pal.client.async_running import run_tools

        ask = functools.partial(
            self.route_request,
            task_type=task_type,
            optimization_goal=optimization_goal,
            model=model,
            local_only=local_only,
            max_cost=max_cost,
        )
        return await run_tools(ask, functions, messages_of(prompt), rounds, on_call, options)

    async def stream_request(
        self,
        prompt: Prompt,
        task_type: Task = "general",
        optimization_goal: Goal = "",
        *,
        model: str = "",
        local_only: bool = False,
        max_cost: float | None = None,
        **options: Unpack[Sampling],
    ) -> AsyncGenerator[AnyEvent, None]:
        """The events of the answer as they come: `started` says who answers, each `delta` holds text, the
        last one says how it ended. Leaving the iteration stops the computing."""
        how = self._asking(task_type, optimization_goal, model, local_only, max_cost)
        async with contextlib.aclosing(self._events(prompt, how, options)) as events:
            async for event in events:
                yield event

    async def explain(
        self,
        prompt: Prompt,
        task_type: Task = "general",
        optimization_goal: Goal = "",
        *,
        model: str = "",
        local_only: bool = False,
        max_cost: float | None = None,
        **options: Unpack[Sampling],
    ) -> Routed:
        """What `route_request` would do, without doing it."""
        question = self._access.question(prompt, options)
        how = self._asking(task_type, optimization_goal, model, local_only, max_cost)
        how["options"] = question.options
        client = await self._clients.get()
        return await client.route(question.messages, **how)

    def aclose(self) -> Awaitable[None]:
        """Close this event loop's connection: what is asked over it is cancelled. Models stay warm."""
        return self._clients.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _asking(self, task: Task, goal: Goal, model: str, local_only: bool, max_cost: float | None) -> Asking:
        return Asking(
            model=self._access.anywhere(model),
            task=task,
            goal=goal or self._goal,
            local_only=local_only or self._local_only or self._access.private(goal or self._goal),
            mine=self._access.mine,
            max_cost=self._max_cost if max_cost is None else max_cost,
            fallback=self._fallback,
            pull=True,
            pull_limit=self._access.pull_limit,
        )

    async def _events(self, prompt: Prompt, how: Asking, options: Sampling) -> AsyncGenerator[AnyEvent, None]:
        question = self._access.question(prompt, options)
        how["options"], how["deadline"] = question.options, question.deadline
        client = await self._clients.get()
        async with contextlib.aclosing(client.chat(question.messages, **how)) as events:
            async for event in events:
                yield event
