"""Strands' agents over chat completions, responses, Messages and Ollama's chat; its models always stream."""

from collections.abc import Callable
from typing import Any

from strands import Agent, tool
from strands.models.anthropic import AnthropicModel
from strands.models.ollama import OllamaModel
from strands.models.openai import OpenAIModel
from strands.models.openai_responses import OpenAIResponsesModel

from scripts.client_runs.programs.checks import (
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

OPENAI = {"base_url": f"{URL}/v1", "api_key": KEY, "max_retries": 0}
ANTHROPIC = {"base_url": URL, "api_key": KEY, "max_retries": 0}

MODELS: dict[str, Callable[[], Any]] = {
    "openai": lambda: OpenAIModel(client_args=OPENAI, model_id=MODEL),
    "responses": lambda: OpenAIResponsesModel(client_args=OPENAI, model_id=MODEL),
    "anthropic": lambda: AnthropicModel(client_args=ANTHROPIC, model_id=MODEL, max_tokens=200),
    "ollama": lambda: OllamaModel(URL, model_id=MODEL),
}


def agent(model: Any) -> Any:
    return Agent(model, tools=[tool(weather), tool(clock)], callback_handler=None)


def streams(model: Any) -> None:
    said = Agent(model, callback_handler=None)("Say something")
    same(str(said).strip(), WORDS)
    assert said.metrics.accumulated_usage["inputTokens"] > 0, said.metrics


def tools(model: Any) -> None:
    asked = agent(model)
    same(str(asked("The weather in Oslo")).strip(), END)
    blocks = [block for turn in asked.messages for block in turn["content"]]
    same([block["toolUse"]["name"] for block in blocks if "toolUse" in block], ["weather", "clock"])


def schema(model: Any) -> None:
    said = Agent(model, callback_handler=None)("Where is it?", structured_output_model=Place)
    same(said.structured_output, ANSWERED)


FORMS = {name: model for name, model in MODELS.items() if name != "ollama"}
"""Of Ollama it asks neither a form nor a call that has to be made: it hopes for one."""


main(checks_over(MODELS, {"streams": streams, "tools": tools}) | checks_over(FORMS, {"schema": schema}))
