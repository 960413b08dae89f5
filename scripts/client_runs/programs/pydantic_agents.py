"""PydanticAI over chat completions, responses, Messages and Ollama's OpenAI route."""

import asyncio
from collections.abc import Callable
from typing import Any

from anthropic import AsyncAnthropic
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.ollama import OllamaProvider
from pydantic_ai.providers.openai import OpenAIProvider

from scripts.client_runs.programs.checks import END, KEY, MODEL, URL, WORDS, clock, main_over, same, weather
from scripts.client_runs.programs.place import ANSWERED, Place

LOOP = asyncio.new_event_loop()
"""One for all: connections are kept between checks."""
asyncio.set_event_loop(LOOP)
FORMS = ModelProfile(supports_json_schema_output=True)
"""A name that it does not know counts as an old Claude, which has no schemas."""


def openai() -> OpenAIProvider:
    return OpenAIProvider(base_url=f"{URL}/v1", api_key=KEY)


def anthropic() -> AnthropicProvider:
    return AnthropicProvider(anthropic_client=AsyncAnthropic(base_url=URL, api_key=KEY, max_retries=0))


MODELS: dict[str, Callable[[], Any]] = {
    "openai": lambda: OpenAIChatModel(MODEL, provider=openai()),
    "responses": lambda: OpenAIResponsesModel(MODEL, provider=openai()),
    "anthropic": lambda: AnthropicModel(MODEL, provider=anthropic(), profile=FORMS),
    "ollama": lambda: OpenAIChatModel(MODEL, provider=OllamaProvider(base_url=f"{URL}/v1")),
}


def at_once(model: Any) -> None:
    same(Agent(model, instructions="Be short").run_sync("Say something").output, WORDS)


def streams(model: Any) -> None:
    async def pieces() -> str:
        async with Agent(model).run_stream("Say something") as answer:
            return "".join([piece async for piece in answer.stream_text(delta=True)])

    same(LOOP.run_until_complete(pieces()), WORDS)


def streams_in_order(model: Any) -> None:
    """Thoughts, text and two calls, each part of a turn behind the one before."""

    async def heard(_: Any, events: Any) -> None:
        async for _ in events:
            pass

    agent = Agent(model, tools=[weather, clock])
    found = LOOP.run_until_complete(agent.run("The weather in Oslo", event_stream_handler=heard))
    same(found.output, END)
    parts = [part.part_kind for part in found.all_messages()[1].parts]
    same(parts, ["thinking", "text", "tool-call", "tool-call"])


def tools(model: Any) -> None:
    same(Agent(model, tools=[weather, clock]).run_sync("The weather in Oslo").output, END)


def by_tool(model: Any) -> None:
    same(Agent(model, output_type=Place, tools=[weather]).run_sync("Where is it?").output, ANSWERED)


def by_schema(model: Any) -> None:
    same(Agent(model, output_type=NativeOutput(Place)).run_sync("Where is it?").output, ANSWERED)


CHECKS: dict[str, Callable[[Any], None]] = {
    "at once": at_once,
    "streams": streams,
    "streams in order": streams_in_order,
    "tools": tools,
    "output by a tool": by_tool,
    "output by a schema": by_schema,
}


main_over(MODELS, CHECKS)
