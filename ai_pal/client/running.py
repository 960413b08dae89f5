"""Run the tools that a model calls, for blocking code."""

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ai_pal.client.answer import Answer
from ai_pal.client.tool_loop import REFUSED, OnCall, Planned, ToolLoop
from ai_pal.protocol.content import Message, ToolResult


def run_tools(
    ask: Callable[..., Answer],
    functions: Sequence[Callable[..., Any]],
    messages: Sequence[Message],
    rounds: int,
    on_call: OnCall | None,
    how: Mapping[str, Any],
) -> Answer:
    """As `Client.run_tools`, for every face that can ask."""
    loop = ToolLoop(functions, messages, how, rounds)
    while True:
        answer = ask(loop.messages, **loop.how)
        planned = loop.planned(answer)
        if not planned:
            return answer
        loop.answered([_result(loop, one, on_call) for one in planned])


def _result(loop: ToolLoop, planned: Planned, on_call: OnCall | None) -> ToolResult:
    allowed = on_call is None or _waited_for(on_call(planned.call)) is not False
    if planned.run is None:
        return loop.failed(planned, planned.error)
    if not allowed:
        return loop.failed(planned, REFUSED)
    try:
        value = _waited_for(planned.run())
    except Exception as error:  # noqa: BLE001 - whatever it is, the model is to know
        return loop.failed(planned, error)
    return loop.result(planned, value)


def _waited_for(value: Any) -> Any:
    """What a coroutine gives, also where a loop runs in this thread already."""
    if not inspect.isawaitable(value):
        return value

    async def given() -> Any:
        return await value

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(given())
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, given()).result()
