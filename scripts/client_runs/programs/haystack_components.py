"""Haystack's generators of OpenAI's (chat completions and responses), Anthropic's and Ollama's protocols, its
agent, and its vectors."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from haystack.components.agents import Agent
from haystack.components.embedders import OpenAITextEmbedder
from haystack.components.generators.chat import OpenAIChatGenerator, OpenAIResponsesChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import create_tool_from_function
from haystack.utils import Secret
from haystack_integrations.components.embedders.ollama import OllamaTextEmbedder
from haystack_integrations.components.generators.anthropic import AnthropicChatGenerator
from haystack_integrations.components.generators.ollama import OllamaChatGenerator

from scripts.client_runs.programs.checks import (
    EMBEDS,
    END,
    KEY,
    MODEL,
    URL,
    WORDS,
    checks_over,
    clock,
    main,
    same,
    weather,
)
from scripts.client_runs.programs.place import ANSWERED, Place

os.environ["ANTHROPIC_BASE_URL"] = URL
SECRET = Secret.from_token(KEY)
OPENAI = {"model": MODEL, "api_base_url": f"{URL}/v1", "api_key": SECRET, "max_retries": 0}
LINES = [ChatMessage.from_user("Say something")]
Makes = Callable[..., Any]

MODELS: dict[str, Makes] = {
    "openai": partial(OpenAIChatGenerator, **OPENAI),
    "responses": partial(OpenAIResponsesChatGenerator, **OPENAI),
    "anthropic": partial(AnthropicChatGenerator, SECRET, MODEL, max_retries=0),
    "ollama": partial(OllamaChatGenerator, MODEL, URL),
}
FORMS: dict[str, Makes] = {
    "openai": partial(MODELS["openai"], generation_kwargs={"response_format": Place}),
    "responses": partial(MODELS["responses"], generation_kwargs={"text_format": Place}),
    "ollama": partial(MODELS["ollama"], response_format=Place.model_json_schema()),
}


def at_once(makes: Makes) -> None:
    [said] = makes().run(LINES)["replies"]
    same(said.text, WORDS)
    assert said.meta["usage"], said.meta


def streams(makes: Makes) -> None:
    pieces: list[Any] = []
    [said] = makes(streaming_callback=pieces.append).run(LINES)["replies"]
    same(said.text, WORDS)
    same("".join(piece.content for piece in pieces), WORDS)


def tools(makes: Makes, *, heard: Callable[[Any], None] | None = None) -> None:
    offered = [create_tool_from_function(one) for one in (weather, clock)]
    agent = Agent(chat_generator=makes(), tools=offered, streaming_callback=heard)
    ended = agent.run([ChatMessage.from_user("The weather in Oslo")])
    same(ended["last_message"].text, END)
    same(sum(len(turn.tool_calls) for turn in ended["messages"]), 2)


def schema(makes: Makes) -> None:
    [said] = makes().run([ChatMessage.from_user("Where is it?")])["replies"]
    same(Place.model_validate_json(said.text), ANSWERED)


def vectors(embedder: Any) -> None:
    assert embedder.run("one")["embedding"]


def of(makes: Makes) -> Callable[[], Makes]:
    return lambda: makes


CHECKS: dict[str, Callable[[Makes], None]] = {
    "at once": at_once,
    "streams": streams,
    "tools": tools,
    "tools in a stream": partial(tools, heard=lambda _: None),
}
VECTORS: dict[str, Callable[[], Any]] = {
    "openai": lambda: OpenAITextEmbedder(api_key=SECRET, model=EMBEDS, api_base_url=f"{URL}/v1"),
    "ollama": lambda: OllamaTextEmbedder(EMBEDS, URL),
}


main(
    checks_over({name: of(makes) for name, makes in MODELS.items()}, CHECKS)
    | checks_over({name: of(makes) for name, makes in FORMS.items()}, {"schema": schema})
    | checks_over(VECTORS, {"vectors": vectors})
)
