"""PydanticAI over chat completions, responses, Messages and Ollama's OpenAI route."""

import asyncio
from collections.abc import Callable
from typing import Any

from anthropic import AsyncAnthropic
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.ollama import OllamaProvider
from pydantic_ai.providers.openai import OpenAIProvider

from scripts.client_runs.programs.checks import END, KEY, MODEL, URL, WORDS, main_over, same, weather


class Place(BaseModel):
    """Where it is."""

    city: str


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

    same(asyncio.run(pieces()), WORDS)


def tools(model: Any) -> None:
    same(Agent(model, tools=[weather]).run_sync("The weather in Oslo").output, END)


def by_tool(model: Any) -> None:
    same(Agent(model, output_type=Place, tools=[weather]).run_sync("Where is it?").output, Place(city=""))


def by_schema(model: Any) -> None:
    same(Agent(model, output_type=NativeOutput(Place)).run_sync("Where is it?").output, Place(city=""))


CHECKS: dict[str, Callable[[Any], None]] = {
    "at once": at_once,
    "streams": streams,
    "tools": tools,
    "output by a tool": by_tool,
    "output by a schema": by_schema,
}


main_over(MODELS, CHECKS)
