"""Requests of Anthropic's messages: turns as blocks, tools, the form of the answer, parameters. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ai_pal.egress.providers.base import unknown
from ai_pal.egress.providers.requests import schemas, thinking
from ai_pal.egress.providers.requests.media import encoded
from ai_pal.egress.providers.requests.rules import Fitted, Rules, fitted
from ai_pal.egress.providers.requests.turns import (
    arguments_of,
    calls,
    in_loop,
    joined,
    spoken,
    text_of,
    trimmed_end,
    user_first,
    words,
)
from ai_pal.protocol.content import AnyPart, Document, Image, Message, Reasoning, Text, ToolCall, ToolResult
from ai_pal.protocol.egress import Complete
from ai_pal.protocol.families import bare, claude_version
from ai_pal.protocol.options import GenerationOptions, JsonObject, JsonSchema, NamedTool

MAX_TOKENS = thinking.LIMIT
"""The API wants a limit; every model takes this one."""

SAMPLING = frozenset({"temperature", "top_p", "top_k"})
EXTRAS = frozenset({"top_k"})

HIDDEN = "redacted:"
"""Before the signature of a thought that the API keeps to itself."""

FORM = "answer"
"""The tool whose arguments are the answer, where the API knows no other way to a form."""

FORMS = (4, 5)
"""The version of Claude that keeps to schemas by itself."""

_ID = re.compile(r"[^a-zA-Z0-9_-]", re.ASCII)


def begun(request: Complete) -> list[Message]:
    """The turns, and the beginning of the answer behind them."""
    if not request.options.prefill:
        return request.messages
    return [*request.messages, Message("assistant", request.options.prefill)]


def prefix(request: Complete) -> str:
    """What the answer goes on from."""
    messages = begun(request)
    return messages[-1].text if messages and messages[-1].role == "assistant" else ""


def turns(messages: Sequence[Message]) -> dict[str, Any]:
    """As the API takes them: what is said to the system apart, results of tools as the user's."""
    said = spoken(messages)
    system = "\n\n".join(text_of(m) for m in said if m.role == "system")
    others = [replace(m, role="user") if m.role == "tool" else m for m in said if m.role != "system"]
    shaped = trimmed_end(user_first(joined(others)))
    given: dict[str, Any] = {"messages": [{"role": m.role, "content": _content(m)} for m in shaped]}
    return given | ({"system": system} if system else {})


def _content(message: Message) -> str | list[dict[str, Any]]:
    if isinstance(message.content, str):
        return message.content
    results = [part for part in message.content if isinstance(part, ToolResult)]
    others = [part for part in message.content if not isinstance(part, ToolResult)]
    return [block for part in (*results, *others) if (block := _block(part)) is not None]


def _block(part: AnyPart) -> dict[str, Any] | None:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Image():
            source = {"type": "base64", "media_type": part.media_type, "data": encoded(part)}
            return {"type": "image", "source": source}
        case Document(name, text):
            source = {"type": "text", "media_type": "text/plain", "data": text}
            return {"type": "document", "source": source, "title": name}
        case Reasoning(text, signature):
            return _thought(text, signature)
        case ToolCall():
            called = {"id": _id(part.id), "name": part.name, "input": arguments_of(part)}
            return {"type": "tool_use", **called}
        case ToolResult():
            return _result(part)
    return {"type": "text", "text": words(part)}


def _thought(text: str, signature: str) -> dict[str, Any] | None:
    """As it came. What another provider's model has thought has no signature, and is not taken."""
    if not signature:
        return None
    if signature.startswith(HIDDEN):
        return {"type": "redacted_thinking", "data": signature.removeprefix(HIDDEN)}
    return {"type": "thinking", "thinking": text, "signature": signature}


def _result(result: ToolResult) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": _id(result.id)}
    if isinstance(result.content, str):
        content: Any = result.content
    else:
        content = [_block(part) for part in result.content if not isinstance(part, Text) or part.text]
    return block | ({"content": content} if content else {}) | ({"is_error": True} if result.is_error else {})


def _id(told: str) -> str:
    """Other providers' ids hold what this API does not take."""
    return _ID.sub("_", told) or "_"


def is_forced_form(request: Complete) -> bool:
    """Whether the answer comes as the arguments of a call: older models, and any object without a schema."""
    wanted = request.options.response_format
    if isinstance(wanted, JsonObject):
        return True
    return isinstance(wanted, JsonSchema) and not _keeps_forms(request.model)


def _keeps_forms(model: str) -> bool:
    known = bare(model).startswith("claude")
    return claude_version(model) >= FORMS or not known


def tools(request: Complete) -> dict[str, Any]:
    """The tools, and whether they have to be called. Turns with calls are not taken without tools: then
    those that were called stand there, and none may be called again."""
    options = request.options
    if is_forced_form(request):
        wanted = options.response_format
        schema = wanted.schema if isinstance(wanted, JsonSchema) else {"type": "object"}
        form = {"name": FORM, "description": "Gives the answer.", "input_schema": schema}
        return {"tools": [form], "tool_choice": {"type": "tool", "name": FORM}}
    if not options.tools:
        return _called_before(request.messages)
    offered = [_tool(tool.name, tool.description, tool.parameters) for tool in options.tools]
    choice = _choice(options)
    return {"tools": offered, **({"tool_choice": choice} if choice else {})}


def _called_before(messages: Sequence[Message]) -> dict[str, Any]:
    names = dict.fromkeys(call.name for message in messages for call in calls(message))
    if not names:
        return {}
    offered = [_tool(name, "", {"type": "object"}) for name in names]
    return {"tools": offered, "tool_choice": {"type": "none"}}


def _tool(name: str, description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    told = {"description": description} if description else {}
    return {"name": name, **told, "input_schema": schema}


def _choice(options: GenerationOptions) -> dict[str, Any]:
    match options.tool_choice:
        case NamedTool(name=name):
            choice: dict[str, Any] = {"type": "tool", "name": name}
        case "none":
            return {"type": "none"}
        case "required":
            choice = {"type": "any"}
        case _ if options.parallel_tool_calls is not None:
            choice = {"type": "auto"}
        case "auto":
            return {"type": "auto"}
        case _:
            return {}
    if options.parallel_tool_calls is not None:
        choice["disable_parallel_tool_use"] = not options.parallel_tool_calls
    return choice


def formed(request: Complete, given: dict[str, Any]) -> dict[str, Any]:
    """The parameters with the form of the answer. Raises `AiPalError` (`unsupported`)."""
    wanted = request.options.response_format
    if not isinstance(wanted, JsonSchema) or is_forced_form(request):
        return given
    form = {"type": "json_schema", "schema": schemas.narrowed(wanted.schema, schemas.ANTHROPIC)}
    return given | {"output_config": {**given.get("output_config", {}), "format": form}}


def parameters(request: Complete, rules: Rules) -> Fitted:
    """How the answer is to be sampled and limited."""
    options = request.options
    wanted = {
        "temperature": options.temperature,
        "top_p": options.top_p,
        "top_k": options.top_k if (options.top_k or 0) > 0 else None,  # all are what it takes by itself
        "max_tokens": options.max_tokens or MAX_TOKENS,
        "seed": options.seed,
        "stop_sequences": options.stop,
    }
    names = ("min_p", "presence_penalty", "frequency_penalty", "repeat_penalty", "logit_bias")
    thought = thinking.of_anthropic(
        options, request.model, forced=_is_forced(request), unsigned=_is_unsigned(request.messages)
    )
    return _budget_fitted(fitted(wanted, rules, unknown(options, *names), EXTRAS, thought))


def _budget_fitted(fitted: Fitted) -> Fitted:
    """With a budget of thoughts below the limit, which the model may have lowered."""
    thought, limit = fitted.given.get("thinking", {}), fitted.given.get("max_tokens", 0)
    if not 0 < limit <= thought.get("budget_tokens", 0):
        return fitted
    budget = thinking.below(limit)
    told = f"thinking_budget is {budget}, it has to be below max_tokens"
    return Fitted(fitted.given | {"thinking": thought | {"budget_tokens": budget}}, (*fitted.told, told))


def _is_forced(request: Complete) -> bool:
    choice = request.options.tool_choice
    called = bool(request.options.tools) and (choice == "required" or isinstance(choice, NamedTool))
    return called or is_forced_form(request)


def _is_unsigned(messages: Sequence[Message]) -> bool:
    """Whether tools were called since the user's last turn without a thought before that can be shown."""
    return any(
        calls(message) and not any(isinstance(part, Reasoning) and part.signature for part in message.parts)
        for message in messages[in_loop(messages) :]
    )
