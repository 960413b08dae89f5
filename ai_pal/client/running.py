"""Run the tools that a model calls, for blocking code."""

import asyncio
import inspect
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from ai_pal.client.answer import Answer, conversation
from ai_pal.client.tool_loop import REFUSED, OnCall, Planned, ToolLoop
from ai_pal.protocol.content import Message, ToolResult

if TYPE_CHECKING:
    from ai_pal.client.asking import Asking
    from ai_pal.client.sync_client import Client


def run_tools(
    client: "Client",
    functions: Sequence[Callable[..., Any]],
    prompt: str | Sequence[Message],
    rounds: int,
    on_call: OnCall | None,
    how: "Asking",
) -> Answer:
    """As `Client.run_tools`."""
    loop = ToolLoop(functions, conversation(prompt), how, rounds)
    while True:
        answer = client.ask(loop.messages, **loop.how)
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
