"""smolagents' models and its agent that calls tools, over chat completions, by itself and through LiteLLM."""

from collections.abc import Callable
from typing import Any

from smolagents import LiteLLMModel, OpenAIModel, Tool, ToolCallingAgent

from scripts.client_runs.programs.checks import KEY, MODEL, URL, WORDS, main_over, same, weather
from scripts.client_runs.programs.place import ANSWERED, Place


class Weather(Tool):  # type: ignore[misc]
    """The tool of all clients, as smolagents wants them."""

    name, output_type = "weather", "string"
    description = "The weather in a city."
    inputs = {"city": {"type": "string", "description": "Of which city"}}  # noqa: RUF012 (as it is read there)

    def forward(self, city: str) -> str:
        return weather(city)


def litellm(provider: str, base: str) -> Any:
    return LiteLLMModel(f"{provider}/{MODEL}", api_base=base, api_key=KEY, num_retries=0)


MODELS: dict[str, Callable[[], Any]] = {
    "openai": lambda: OpenAIModel(MODEL, f"{URL}/v1", api_key=KEY, client_kwargs={"max_retries": 0}),
    "litellm": lambda: litellm("openai", f"{URL}/v1"),
    "litellm anthropic": lambda: litellm("anthropic", URL),
    "litellm ollama": lambda: litellm("ollama_chat", URL),
}
ASKED = [{"role": "user", "content": [{"type": "text", "text": "Say something"}]}]


def at_once(model: Any) -> None:
    said = model.generate(ASKED)
    same(said.content, WORDS)
    assert said.token_usage.input_tokens > 0, said.token_usage


def streams(model: Any) -> None:
    same("".join(piece.content or "" for piece in model.generate_stream(ASKED)), WORDS)


def tools(model: Any) -> None:
    """It tells calls and results as text, so they are made again until its steps are over; then it ends."""
    for streams in (False, True):
        agent = ToolCallingAgent([Weather()], model, stream_outputs=streams, verbosity_level=0, max_steps=2)
        same(agent.run("The weather in Oslo"), WORDS)
        same([step.observations for step in agent.memory.steps[1:3]], ["It rains in Oslo."] * 2)


def schema(model: Any) -> None:
    closed = Place.model_json_schema() | {"additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": closed, "strict": True}}
    same(Place.model_validate_json(model.generate(ASKED, response_format=form).content), ANSWERED)


main_over(MODELS, {"at once": at_once, "streams": streams, "tools": tools, "schema": schema})
