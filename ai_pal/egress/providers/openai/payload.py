"""Requests of OpenAI's chat completions: turns, tools, the form of the answer, parameters. Pure.

`own`: the model is one of OpenAI's, wherever it is served."""

import math
import re
from collections.abc import Sequence
from typing import Any

from ai_pal.egress.providers.base import unknown
from ai_pal.egress.providers.requests import schemas, thinking
from ai_pal.egress.providers.requests.media import audio_format, data_uri, encoded
from ai_pal.egress.providers.requests.rules import Fitted, Rules, fitted
from ai_pal.egress.providers.requests.turns import (
    calls,
    in_loop,
    result_text,
    results,
    text_of,
    thoughts_of,
    words,
)
from ai_pal.protocol.content import AnyPart, Audio, Image, Message, Text, ToolResult
from ai_pal.protocol.egress import Complete
from ai_pal.protocol.options import GenerationOptions, JsonObject, JsonSchema, NamedTool

EXTRAS = frozenset(
    {"frequency_penalty", "logit_bias", "presence_penalty", "reasoning_effort", "response_format"}
)
"""Options beyond the common ones that the API knows."""

OTHERS_EXTRAS = frozenset({"min_p", "repeat_penalty", "repetition_penalty", "top_k", "typical_p"})
"""Those that other servers of this API know: llama.cpp, vLLM, OpenRouter."""

IN_BODY = OTHERS_EXTRAS | {"chat_template_kwargs"}
"""Parameters that the SDK has no names for."""

PICTURED = "(what the tool has shown:)"
"""Stands before pictures of results, which the API takes from users only."""

SAY_JSON = "Answer with a JSON object."
"""The API wants to see the word where it is to hold answers to JSON."""

_END = Message("user", [])
_NAME = re.compile(r"[^a-zA-Z0-9_-]", re.ASCII)


def turns(messages: Sequence[Message], *, own: bool) -> list[dict[str, Any]]:
    """As the API takes them. Other models than OpenAI's get what was thought since the user's last turn:
    their templates want it there, and only there."""
    loop = len(messages) if own else in_loop(messages)
    found: list[dict[str, Any]] = []
    pictures: list[AnyPart] = []
    for number, message in enumerate([*messages, _END]):
        if pictures and message.role != "tool":
            found.append(_user([Text(PICTURED), *pictures]))
            pictures = []
        if message is _END:
            break
        found += [_result(result) for result in results(message)]
        pictures += [image for result in results(message) for image in _images(result)]
        if message.role == "assistant":
            found.append(_assistant(message, thoughts_of(message) if number >= loop else ""))
        elif message.role == "system":
            found.append({"role": "system", "content": text_of(message)})
        elif message.role == "user":
            rest = [part for part in message.parts if not isinstance(part, ToolResult)]
            if rest or not message.parts:
                found.append(_user(rest))
    return found


def _user(parts: Sequence[AnyPart]) -> dict[str, Any]:
    if not any(isinstance(part, Image | Audio) for part in parts):
        return {"role": "user", "content": "".join(map(words, parts))}
    content: list[dict[str, Any]] = []
    for part in parts:
        if isinstance(part, Image):
            content.append({"type": "image_url", "image_url": {"url": data_uri(part)}})
        elif isinstance(part, Audio):
            sound = {"data": encoded(part), "format": audio_format(part)}
            content.append({"type": "input_audio", "input_audio": sound})
        elif said := words(part):
            content.append({"type": "text", "text": said})
    return {"role": "user", "content": content}


def _assistant(message: Message, thought: str) -> dict[str, Any]:
    said, called = text_of(message), calls(message)
    turn: dict[str, Any] = {"role": "assistant", "content": said or (None if called else "")}
    if thought:
        turn["reasoning_content"] = thought
    if called:
        turn["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.given},
            }
            for call in called
        ]
    return turn


def _result(result: ToolResult) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": result.id, "content": result_text(result)}


def _images(result: ToolResult) -> list[Image]:
    if isinstance(result.content, str):
        return []
    return [part for part in result.content if isinstance(part, Image)]


def tools(options: GenerationOptions) -> dict[str, Any]:
    """The tools, and whether they have to be called."""
    if not options.tools:
        return {}
    functions = [
        {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
        for tool in options.tools
    ]
    for function in functions:
        if not function["description"]:
            del function["description"]
    given: dict[str, Any] = {"tools": [{"type": "function", "function": one} for one in functions]}
    match options.tool_choice:
        case NamedTool(name=name):
            given["tool_choice"] = {"type": "function", "function": {"name": name}}
        case str(choice):
            given["tool_choice"] = choice
    return given


def response_format(options: GenerationOptions, *, own: bool) -> dict[str, Any]:
    """The form of the answer. OpenAI's models are held to what they can be held to; others get the schema as
    it is. Raises `AiPalError` (`unsupported`)."""
    wanted = options.response_format
    if isinstance(wanted, JsonObject):
        return {"response_format": {"type": "json_object"}}
    if not isinstance(wanted, JsonSchema):
        return {}
    schema = schemas.narrowed(wanted.schema, schemas.OPENAI) if own else wanted.schema
    told = {"name": _NAME.sub("_", wanted.name)[:64] or "answer", "schema": schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": told}}


def with_word(request: Complete) -> list[Message]:
    """With the word JSON somewhere, where any JSON object is wanted."""
    wanted = isinstance(request.options.response_format, JsonObject)
    if not wanted or any("json" in message.text.lower() for message in request.messages):
        return request.messages
    return [Message("system", SAY_JSON), *request.messages]


def parameters(request: Complete, rules: Rules, *, own: bool) -> Fitted:
    """How the answer is to be sampled and limited."""
    options = request.options
    wanted: dict[str, Any] = {
        "temperature": options.temperature,
        "top_p": options.top_p,
        "max_tokens": options.max_tokens,
        "seed": options.seed,
        "stop": options.stop,
        "presence_penalty": options.presence_penalty,
        "frequency_penalty": options.frequency_penalty,
        "logit_bias": _biases(options, own=own),
        "stream_options": {"include_usage": True},
    }
    if options.tools:
        wanted["parallel_tool_calls"] = options.parallel_tool_calls
    if own:
        extra = unknown(options, "top_k", "min_p", "repeat_penalty")
    else:
        extra = options.extra
        wanted |= {
            "top_k": options.top_k,
            "min_p": options.min_p,
            "repeat_penalty": options.repeat_penalty,
            "repetition_penalty": options.repeat_penalty,
        }
    extras = EXTRAS if own else EXTRAS | OTHERS_EXTRAS
    thought = thinking.of_openai(options, request.model, own=own)
    done = fitted(wanted, rules, extra, extras, thought)
    held = own and "logit_bias" in done.given and any(abs(bias) > 100 for bias in options.logit_bias.values())
    told = ("logit_bias is held between -100 and 100, the most that is taken",) if held else ()
    return Fitted(done.given, (*done.told, *told))


def _biases(options: GenerationOptions, *, own: bool) -> dict[str, float]:
    most = 100.0 if own else math.inf
    return {str(token): min(max(bias, -most), most) for token, bias in options.logit_bias.items()}


def logprobs(options: GenerationOptions) -> dict[str, Any]:
    """Whether probabilities are wanted, and of how many alternatives."""
    if options.logprobs is None:
        return {}
    return {"logprobs": True, **({"top_logprobs": options.logprobs} if options.logprobs else {})}
