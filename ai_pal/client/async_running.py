"""Run the tools that a model calls, for asyncio."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from ai_pal.client.answer import Answer
from ai_pal.client.tool_loop import REFUSED, OnCall, Planned, ToolLoop
from ai_pal.protocol.content import Message, ToolResult


async def run_tools(
    ask: Callable[..., Awaitable[Answer]],
    functions: Sequence[Callable[..., Any]],
    messages: Sequence[Message],
    rounds: int,
    on_call: OnCall | None,
    how: Mapping[str, Any],
) -> Answer:
    """As `AsyncClient.run_tools`, for every face that can ask."""
    loop = ToolLoop(functions, messages, how, rounds)
    while True:
        answer = await ask(loop.messages, **loop.how)
        planned = loop.planned(answer)
        if not planned:
            return answer
        allowed = [await _allowed(one, on_call) for one in planned]
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_result(loop, one, may)) for one, may in zip(planned, allowed, strict=True)
            ]
        loop.answered([task.result() for task in tasks])


async def _allowed(planned: Planned, on_call: OnCall | None) -> bool:
    told = None if on_call is None else on_call(planned.call)
    return (await told if inspect.isawaitable(told) else told) is not False


async def _result(loop: ToolLoop, planned: Planned, allowed: bool) -> ToolResult:
    if planned.run is None:
        return loop.failed(planned, planned.error)
    if not allowed:
        return loop.failed(planned, REFUSED)
    try:
        value = planned.run() if planned.is_async else await asyncio.to_thread(planned.run)
        value = await value if inspect.isawaitable(value) else value
    except Exception as error:  # noqa: BLE001 - whatever it is, the model is to know
        return loop.failed(planned, error)
    return loop.result(planned, value)
