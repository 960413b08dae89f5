"""Requests of Cohere's chat: turns, tools, the form of the answer, parameters. Pure."""

from collections.abc import Sequence
from typing import Any

from ai_pal.egress.providers.base import unknown
from ai_pal.egress.providers.requests import schemas, thinking
from ai_pal.egress.providers.requests.media import data_uri
from ai_pal.egress.providers.requests.rules import Fitted, Rules, fitted
from ai_pal.egress.providers.requests.turns import (
    calls,
    joined,
    result_text,
    results,
    spoken,
    system_first,
    text_of,
    thoughts_of,
    words,
)
from ai_pal.protocol.content import AnyPart, Image, Message, Text, ToolResult
from ai_pal.protocol.egress import Complete
from ai_pal.protocol.options import GenerationOptions, JsonObject, JsonSchema, NamedTool
from ai_pal.providers.abilities import abilities

EXTRAS = frozenset({"frequency_penalty", "k", "presence_penalty", "safety_mode"})

PICTURED = "(what the tool has shown:)"
"""Stands before pictures of results, which the API takes from users only."""


def turns(messages: Sequence[Message], model: str) -> list[dict[str, Any]]:
    """As the API takes them: the system first, results of tools one by one."""
    found: list[dict[str, Any]] = []
    pictures: list[AnyPart] = []
    for message in joined(system_first(spoken(messages))):
        if pictures and message.role != "tool":
            found.append(_user([Text(PICTURED), *pictures]))
            pictures = []
        for result in results(message):
            found.append({"role": "tool", "tool_call_id": result.id, "content": result_text(result)})
            pictures += [] if isinstance(result.content, str) else _images(result.content)
        if message.role == "assistant":
            found.append(_assistant(message, model))
        elif message.role == "system":
            found.append({"role": "system", "content": text_of(message)})
        elif message.role == "user":
            found.append(_user([part for part in message.parts if not isinstance(part, ToolResult)]))
    return [*found, _user([Text(PICTURED), *pictures])] if pictures else found


def _images(parts: Sequence[AnyPart]) -> list[Image]:
    return [part for part in parts if isinstance(part, Image)]


def _user(parts: Sequence[AnyPart]) -> dict[str, Any]:
    if not _images(parts):
        return {"role": "user", "content": "".join(map(words, parts))}
    content: list[dict[str, Any]] = []
    for part in parts:
        if isinstance(part, Image):
            content.append({"type": "image_url", "image_url": {"url": data_uri(part)}})
        elif said := words(part):
            content.append({"type": "text", "text": said})
    return {"role": "user", "content": content}


def _assistant(message: Message, model: str) -> dict[str, Any]:
    """What was thought before a call goes back: as such to a model that thinks, as a plan to others."""
    said, called, thought = text_of(message), calls(message), thoughts_of(message)
    if not called:
        return {"role": "assistant", "content": said}
    functions = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.given},
        }
        for call in called
    ]
    turn: dict[str, Any] = {"role": "assistant", "tool_calls": functions}
    content = [{"type": "text", "text": said}] if said.strip() else []
    if thought and "thinking" in abilities("cohere", model):
        content = [{"type": "thinking", "thinking": thought}, *content]
    elif thought:
        turn["tool_plan"] = thought
    return turn | ({"content": content} if content else {})


def tools(options: GenerationOptions) -> dict[str, Any]:
    """The tools, and whether they have to be called. A tool by its name is forced by offering no other."""
    named = options.tool_choice.name if isinstance(options.tool_choice, NamedTool) else ""
    offered = [tool for tool in options.tools if not named or tool.name == named]
    if not offered:
        return {}
    functions = [
        {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
        for tool in offered
    ]
    given: dict[str, Any] = {"tools": [{"type": "function", "function": one} for one in functions]}
    if named or options.tool_choice == "required":
        given["tool_choice"] = "REQUIRED"
    elif options.tool_choice == "none":
        given["tool_choice"] = "NONE"
    return given


def response_format(options: GenerationOptions) -> dict[str, Any]:
    """The form of the answer. Raises `AiPalError` (`unsupported`)."""
    wanted = options.response_format
    if isinstance(wanted, JsonObject):
        return {"response_format": {"type": "json_object"}}
    if not isinstance(wanted, JsonSchema):
        return {}
    schema = schemas.narrowed(wanted.schema, schemas.COHERE)
    return {"response_format": {"type": "json_object", "json_schema": schema}}


def logprobs(options: GenerationOptions) -> dict[str, Any]:
    """Whether probabilities are wanted."""
    return {"logprobs": True} if options.logprobs is not None else {}


def parameters(request: Complete, rules: Rules) -> Fitted:
    """How the answer is to be sampled and limited."""
    options = request.options
    wanted = {
        "temperature": options.temperature,
        "p": options.top_p,
        "k": None if options.top_k is None else max(0, options.top_k),  # 0 is all
        "max_tokens": options.max_tokens,
        "seed": options.seed,
        "stop_sequences": options.stop,
        "frequency_penalty": options.frequency_penalty,
        "presence_penalty": options.presence_penalty,
    }
    if options.tools:
        absent = unknown(options, "min_p", "repeat_penalty", "logit_bias", "parallel_tool_calls")
    else:
        absent = unknown(options, "min_p", "repeat_penalty", "logit_bias")
    if absent.get("parallel_tool_calls") is True:  # that is what it does
        del absent["parallel_tool_calls"]
    extra = {"k" if name == "top_k" else name: value for name, value in absent.items()}
    return fitted(wanted, rules, extra, EXTRAS, thinking.of_cohere(options, request.model))
