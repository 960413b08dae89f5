"""LiteLLM's providers of OpenAI's, Anthropic's and Ollama's protocols."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import litellm

from scripts.client_runs.programs.checks import END, KEY, MODEL, URL, WORDS, main, same

PROVIDERS = {"openai": f"{URL}/v1", "anthropic": URL, "ollama_chat": URL, "ollama": URL}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "weather", "description": "The weather in a city.", "parameters": CITY}
SCHEMA = {**CITY, "additionalProperties": False}
FORM = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA, "strict": True}}


def ask(provider: str, messages: list[Any], **fields: Any) -> Any:
    where = {"api_base": PROVIDERS[provider], "api_key": KEY, "timeout": 120, "num_retries": 0}
    return litellm.completion(f"{provider}/{MODEL}", messages, **where, **fields)


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def at_once(provider: str) -> None:
    found = ask(provider, user("Say something"), temperature=0.5, max_tokens=50)
    same(found.choices[0].message.content, WORDS)
    same(found.choices[0].finish_reason, "stop")
    assert found.usage.prompt_tokens > 0, found.usage


def streams(provider: str) -> None:
    pieces = list(ask(provider, user("Say something"), stream=True, stream_options={"include_usage": True}))
    same("".join(one.choices[0].delta.content or "" for one in pieces if one.choices), WORDS)


def streams_in_order(provider: str) -> None:
    """Thoughts, text, two calls and the figures, as its own builder puts the pieces together."""
    offered = [{"type": "function", "function": {**FUNCTION, "name": name}} for name in ("weather", "clock")]
    asked = user("The weather in Oslo")
    how = {"tools": offered, "stream": True, "stream_options": {"include_usage": True}}
    whole: Any = litellm.stream_chunk_builder(list(ask(provider, asked, **how)), messages=asked)
    turn = whole.choices[0].message
    same(turn.content, "I call weather, clock.")
    same([call.function.name for call in turn.tool_calls], ["weather", "clock"])
    same([json.loads(call.function.arguments) for call in turn.tool_calls], [{"city": "Oslo"}] * 2)
    same(turn.reasoning_content, "What is there to do next?")
    assert whole.usage.prompt_tokens > 0, whole.usage


def several() -> None:
    found = ask("openai", user("Say something"), n=2)
    same([choice.message.content for choice in found.choices], [WORDS] * 2)
    said = ["", ""]
    for piece in ask("openai", user("Say something"), n=2, stream=True):
        for choice in piece.choices:
            said[choice.index] += choice.delta.content or ""
    same(said, [WORDS] * 2)


def tools(provider: str) -> None:
    messages = user("The weather in Oslo")
    offered = [{"type": "function", "function": FUNCTION}]
    turn = ask(provider, messages, tools=offered).choices[0].message
    same([json.loads(call.function.arguments) for call in turn.tool_calls], [{"city": "Oslo"}])
    result = {"role": "tool", "tool_call_id": turn.tool_calls[0].id, "content": "It rains."}
    same(ask(provider, [*messages, turn, result], tools=offered).choices[0].message.content, END)


def schema(provider: str) -> None:
    found = ask(provider, user("Where is it? Answer in json"), response_format=FORM)
    same(json.loads(found.choices[0].message.content), {"city": ""})


def responses() -> None:
    found: Any = litellm.responses(
        model=f"openai/{MODEL}", input="Say something", api_base=PROVIDERS["openai"], api_key=KEY
    )
    [said] = [one for one in found.output if one.type == "message"]  # thoughts are an item of their own
    same(said.content[0].text, WORDS)


def of(provider: str) -> dict[str, Callable[[], None]]:
    every: dict[str, Callable[[str], None]] = {"at once": at_once, "streams": streams, "schema": schema}
    if provider != "ollama":  # it asks for calls as JSON in words of its own
        every |= {"tools": tools, "streams in order": streams_in_order}
    return {f"{provider}: {name}": partial(holds, provider) for name, holds in every.items()}


main(
    {name: holds for provider in PROVIDERS for name, holds in of(provider).items()}
    | {"responses": responses, "several": several}
)
