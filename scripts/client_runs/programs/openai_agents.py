"""OpenAI's Agents SDK over responses and chat completions."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI

from scripts.client_runs.programs.checks import END, KEY, MODEL, URL, WORDS, main, same, weather
from scripts.client_runs.programs.place import ANSWERED, Place

MODELS = {"responses": OpenAIResponsesModel, "openai": OpenAIChatCompletionsModel}


def agent(kind: Callable[..., Any], **fields: Any) -> Any:
    client = AsyncOpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
    return Agent(name="guide", instructions="Be short", model=kind(MODEL, openai_client=client), **fields)


def at_once(kind: Callable[..., Any]) -> None:
    same(Runner.run_sync(agent(kind), "Say something").final_output, WORDS)


def streams(kind: Callable[..., Any]) -> None:
    async def ended() -> Any:
        result = Runner.run_streamed(agent(kind, tools=[function_tool(weather)]), "The weather in Oslo")
        async for _ in result.stream_events():
            pass
        return result.final_output

    same(asyncio.run(ended()), END)


def tools(kind: Callable[..., Any]) -> None:
    found = Runner.run_sync(agent(kind, tools=[function_tool(weather)]), "The weather in Oslo")
    same(found.final_output, END)


def schema(kind: Callable[..., Any]) -> None:
    same(Runner.run_sync(agent(kind, output_type=Place), "Where is it?").final_output, ANSWERED)


def handoff(kind: Callable[..., Any]) -> None:
    other = agent(kind, handoff_description="Knows the weather")
    same(Runner.run_sync(agent(kind, handoffs=[other]), "Say something").final_output, WORDS)


CHECKS = {"at once": at_once, "streams": streams, "tools": tools, "schema": schema, "handoffs": handoff}

set_tracing_disabled(True)
main(
    {
        f"{protocol}: {name}": partial(check, kind)
        for protocol, kind in MODELS.items()
        for name, check in CHECKS.items()
    }
)
