"""Requests of Ollama's chat: turns, tools, the form of the answer, parameters. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ai_pal.egress.providers.answers.loose import calls_in, part, text
from ai_pal.egress.providers.base import unknown
from ai_pal.egress.providers.requests import schemas, thinking
from ai_pal.egress.providers.requests.media import encoded
from ai_pal.egress.providers.requests.rules import Fitted, Rules, fitted
from ai_pal.egress.providers.requests.turns import (
    arguments_of,
    calls,
    in_loop,
    named,
    result_text,
    results,
    text_of,
    thoughts_of,
)
from ai_pal.protocol import needs
from ai_pal.protocol.content import AnyPart, Image, Message
from ai_pal.protocol.egress import Complete
from ai_pal.protocol.options import Ability, GenerationOptions, JsonObject, JsonSchema
from ai_pal.providers.abilities import needed

EXTRAS = frozenset(
    {"frequency_penalty", "main_gpu", "min_p", "num_batch", "num_ctx", "num_gpu", "num_keep", "num_thread"}
    | {"penalize_newline", "presence_penalty", "repeat_last_n", "repeat_penalty", "top_k", "typical_p"}
    | {"use_mmap"}
)
"""Options beyond the common ones that the API knows."""

LOGPROBS = (0, 12, 11)
"""The first version that tells probabilities."""

PICTURED = "(what the tool has shown:)"
"""Stands before pictures of results, which models see in users' turns only."""

_CAPABILITIES: dict[str, Ability] = {"tools": "tools", "vision": "images", "thinking": "thinking"}


def capabilities(shown: object) -> frozenset[Ability] | None:
    """What a server says that a model can, of what not every model can; None where it does not say."""
    told = part(shown, "capabilities")
    if not isinstance(told, list):
        return None
    return frozenset(_CAPABILITIES[one] for one in told if isinstance(one, str) and one in _CAPABILITIES)


def lacking(request: Complete, able: frozenset[Ability] | None) -> list[str]:
    """What the request needs and this model of this server cannot do."""
    if able is None:
        return []
    wanted = needed(request.messages, request.options)
    return [needs.WHAT[one] for one in wanted if one in _CAPABILITIES.values() and one not in able]


def version(told: object) -> tuple[int, ...]:
    """A server's version in numbers."""
    numbers = text(part(told, "version")).partition("-")[0].split(".")
    return tuple(int(number) for number in numbers if number.isdecimal() and number.isascii())


def turns(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """As the API takes them. What was thought goes back within the answer under way."""
    loop, names = in_loop(messages), named(messages)
    found: list[dict[str, Any]] = []
    for number, message in enumerate(messages):
        pictures: list[Image] = []
        for result in results(message):
            tool = {"role": "tool", "tool_name": names.get(result.id, ""), "tool_call_id": result.id}
            found.append(tool | {"content": result_text(result)})
            pictures += [] if isinstance(result.content, str) else _images(result.content)
        if pictures:
            found.append({"role": "user", "content": PICTURED, "images": [encoded(one) for one in pictures]})
        if message.role != "tool":
            found.append(_turn(message, number >= loop))
    return found


def _turn(message: Message, under_way: bool) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": message.role, "content": text_of(message)}
    if images := _images(message.parts):
        turn["images"] = [encoded(one) for one in images]
    if under_way and message.role == "assistant" and (thought := thoughts_of(message)):
        turn["thinking"] = thought
    if called := calls(message):
        turn["tool_calls"] = [
            {"id": call.id, "function": {"name": call.name, "arguments": arguments_of(call)}}
            for call in called
        ]
    return turn


def _images(parts: Sequence[AnyPart]) -> list[Image]:
    return [one for one in parts if isinstance(one, Image)]


def beside(request: Complete) -> dict[str, Any]:
    """What stands beside the turns: tools, the form, probabilities. Raises `AiPalError` (`unsupported`)."""
    options, given = request.options, dict[str, Any]()
    if options.tools and options.tool_choice != "none":
        given["tools"] = [
            {"type": "function", "function": msgspec.to_builtins(tool) | {"description": tool.description}}
            for tool in options.tools
        ]
        for tool in given["tools"]:
            tool["function"].setdefault("parameters", {"type": "object", "properties": {}})
    if isinstance(options.response_format, JsonObject):
        given["format"] = "json"
    elif isinstance(options.response_format, JsonSchema):
        given["format"] = schemas.narrowed(options.response_format.schema, schemas.OLLAMA)
    if options.logprobs is not None:
        given |= {"logprobs": True, "top_logprobs": options.logprobs}
    if options.trim is False:
        given["truncate"] = False
    return given


def parameters(options: GenerationOptions) -> Fitted:
    """How the answer is to be sampled and limited."""
    wanted = {
        "temperature": options.temperature,
        "top_p": options.top_p,
        "top_k": options.top_k,
        "min_p": options.min_p,
        "num_predict": options.max_tokens,
        "seed": options.seed,
        "stop": options.stop,
        "presence_penalty": options.presence_penalty,
        "frequency_penalty": options.frequency_penalty,
        "repeat_penalty": options.repeat_penalty,
    }
    names = ["logit_bias"]
    if options.tools and options.parallel_tool_calls is False:
        names.append("parallel_tool_calls")
    return fitted(wanted, Rules(), unknown(options, *names), EXTRAS)


def thoughts(request: Complete, able: frozenset[Ability] | None) -> thinking.Thinking:
    """Whether the model is to think."""
    can = able is None or "thinking" in able
    return thinking.of_ollama(request.options, request.model, able=can)


def answered_tools(message: object) -> list[Any]:
    """The calls of tools in a line of an answer: each is whole."""
    return calls_in(part(message, "tool_calls"))
