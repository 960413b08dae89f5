"""LangChain's models of OpenAI's (chat completions and responses), Anthropic's and Ollama's protocols."""

import asyncio
from collections.abc import Callable
from functools import partial, reduce
from operator import add
from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI

from scripts.client_runs.programs.checks import END, KEY, MODEL, URL, WORDS, clock, main_over, same, weather
from scripts.client_runs.programs.place import ANSWERED, Place

LOOP = asyncio.new_event_loop()
"""One for all: connections are kept between checks."""
BOTH = [("weather", {"city": "Oslo"}), ("clock", {"city": "Oslo"})]


def openai(**fields: Any) -> Any:
    return ChatOpenAI(
        model=MODEL,
        base_url=f"{URL}/v1",
        api_key=KEY,
        max_retries=0,
        timeout=120,
        stream_usage=True,
        **fields,
    )


MODELS: dict[str, Callable[[], Any]] = {
    "openai": openai,
    "responses": partial(openai, use_responses_api=True),
    "anthropic": lambda: ChatAnthropic(
        model=MODEL, base_url=URL, api_key=KEY, max_tokens=200, max_retries=0, timeout=120
    ),
    "ollama": lambda: ChatOllama(model=MODEL, base_url=URL, num_ctx=4096),
}


def at_once(model: Any) -> None:
    found = model.invoke("Say something")
    same(found.text, WORDS)
    assert found.usage_metadata["input_tokens"] > 0, found.usage_metadata


def streams(model: Any) -> None:
    same("".join(piece.text for piece in model.stream("Say something")), WORDS)


def streams_in_order(model: Any) -> None:
    """Text, two calls and the figures, as its own sum of pieces has them, and with asyncio as well."""
    bound = model.bind_tools([tool(weather), tool(clock)])

    async def apart() -> list[Any]:
        return [piece async for piece in bound.astream("The weather in Oslo")]

    for pieces in (list(bound.stream("The weather in Oslo")), LOOP.run_until_complete(apart())):
        whole = reduce(add, pieces)
        same(whole.text, "I call weather, clock.")
        same([(call["name"], call["args"]) for call in whole.tool_calls], BOTH)
        assert whole.usage_metadata["input_tokens"] > 0, whole.usage_metadata


def tools(model: Any) -> None:
    bound = model.bind_tools([tool(weather)])
    messages: list[Any] = [HumanMessage("The weather in Oslo")]
    messages.append(bound.invoke(messages))
    same([call["args"] for call in messages[-1].tool_calls], [{"city": "Oslo"}])
    messages += [tool(weather).invoke(call) for call in messages[-1].tool_calls]
    same(bound.invoke(messages).text, END)


def schema(model: Any) -> None:
    same(model.with_structured_output(Place).invoke("Where is it?"), ANSWERED)


CHECKS: dict[str, Callable[[Any], None]] = {
    "at once": at_once,
    "streams": streams,
    "streams in order": streams_in_order,
    "tools": tools,
    "schema": schema,
}


main_over(MODELS, CHECKS)
