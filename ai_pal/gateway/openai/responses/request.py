"""POST /v1/responses: the body, and what is asked by it. Pure.

Fields as in OpenAI's API reference (2026-11), and those by which local servers are asked for more."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from ai_pal.client.asking import Asking
from ai_pal.gateway.asking import wishes
from ai_pal.gateway.openai.chat_request import (
    FormName,
    Metadata,
    ObjectFormat,
    Penalty,
    ServiceTier,
    Share,
    StreamOptions,
    Temperature,
    TextFormat,
    TopLogprobs,
    only_of_streams,
)
from ai_pal.gateway.openai.local import LocalChat, local_wishes, most_tokens, thoughts
from ai_pal.gateway.wire.bodies import BodyError, converted, decoded
from ai_pal.protocol.options import JsonObject, JsonSchema, NamedTool, ResponseFormat, Tool, ToolChoice

LOGPROBS = "message.output_text.logprobs"
ENCRYPTED = "reasoning.encrypted_content"
REFUSED = (
    *("prompt", "context_management", "access_programs", "background_options"),
    *("image", "moderation", "personality"),
)
"""What nobody here does."""

INCLUDES = (
    *(LOGPROBS, ENCRYPTED, "file_search_call.results", "web_search_call.results"),
    *("web_search_call.action.sources", "message.input_image.image_url", "code_interpreter_call.outputs"),
    "computer_call_output.output.image_url",
)
"""What may be asked for besides; most of it belongs to tools that nobody runs here."""


class SchemaFormat(msgspec.Struct, tag_field="type", tag="json_schema"):
    name: FormName
    schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


class TextWish(msgspec.Struct, forbid_unknown_fields=True):
    format: TextFormat | ObjectFormat | SchemaFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class ReasoningWish(msgspec.Struct, forbid_unknown_fields=True):
    """`summary`: thoughts are told under that name. None is made: it is all of them. Which of earlier
    turns a model sees is up to its template."""

    effort: str | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None
    context: Literal["auto"] | None = None
    mode: Literal["standard"] | None = None


class AnyTool(msgspec.Struct):
    type: str


class FunctionTool(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionChoice(msgspec.Struct):
    name: str


class AllowedTools(msgspec.Struct):
    mode: Literal["auto", "required"]
    tools: list[dict[str, Any]]


class ResponsesBody(LocalChat, forbid_unknown_fields=True):
    """None says nothing. The last fields concern what OpenAI keeps on its side, and mean nothing here."""

    input: str | list[dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET
    model: str = ""
    instructions: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    previous_response_id: str | None = None
    store: bool | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    max_output_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    top_logprobs: TopLogprobs | None = None
    text: TextWish | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: Literal["auto", "none", "required"] | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    max_tool_calls: Annotated[int, msgspec.Meta(ge=1)] | None = None
    reasoning: ReasoningWish | None = None
    include: list[str] | None = None
    metadata: Metadata | None = None
    truncation: Literal["auto", "disabled"] | None = None
    # What local servers are asked for.
    seed: int | None = None
    stop: str | list[str] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    background: bool | None = None
    # What is refused where it asks for something.
    conversation: Any = None
    prompt: Any = None
    context_management: Any = None
    access_programs: Any = None
    background_options: Any = None
    image: Any = None
    moderation: Any = None
    personality: Any = None
    # Of no meaning here.
    user: str | None = None
    service_tier: ServiceTier | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    client_metadata: dict[str, Any] | None = None


_BODY = msgspec.json.Decoder(ResponsesBody)


def read(body: bytes) -> ResponsesBody:
    """The body. Raises `BodyError`: it cannot be read, or asks for what nobody here can."""
    asked = decoded(body, _BODY)
    if asked.input is msgspec.UNSET and asked.previous_response_id is None:
        raise BodyError("there is nothing to answer", "input", word="missing_required_parameter")
    if asked.background and asked.store is False:
        raise BodyError("what nobody waits for has to be kept", "background", "leave store out")
    if asked.conversation is not None:
        raise BodyError("no conversations are kept here", "conversation", "use previous_response_id")
    only_of_streams(asked.stream_options, asked.stream)
    for name in REFUSED:
        if getattr(asked, name) is not None:
            raise BodyError("this cannot be had here", name, "leave it out")
    check_included(asked.include or [])
    return asked


def check_included(wanted: Sequence[str]) -> None:
    """Raises `BodyError`: that is nothing that could be asked for besides."""
    for number, what in enumerate(wanted):
        if what not in INCLUDES:
            raise BodyError(f"{what!r} cannot be included", f"include[{number}]", ", ".join(INCLUDES))


def how(asked: ResponsesBody) -> Asking:
    """How it is to be answered, as keywords of any client. Raises `BodyError`."""
    tools, choice = _tools(asked)
    return {
        "model": asked.model,
        "temperature": asked.temperature,
        "top_p": asked.top_p,
        "max_tokens": most_tokens(asked, asked.max_output_tokens),
        "logprobs": (asked.top_logprobs or 0) if wants_logprobs(asked) else None,
        "tools": tools,
        "tool_choice": choice,
        "parallel_tool_calls": asked.parallel_tool_calls if tools else None,
        **thoughts(asked, **{"reasoning.effort": asked.reasoning.effort if asked.reasoning else None}),  # type: ignore[typeddict-item]
        "seed": asked.seed,
        "stop": wishes.stops(asked.stop),
        "presence_penalty": asked.presence_penalty,
        "frequency_penalty": asked.frequency_penalty,
        "trim": asked.truncation == "auto",
        **local_wishes(asked, _form(asked.text)),
    }


def wants_logprobs(asked: ResponsesBody) -> bool:
    """Whether how probable the text is is to be told."""
    return bool(asked.top_logprobs) or LOGPROBS in (asked.include or [])


def _form(text: TextWish | None) -> ResponseFormat | None:
    match text.format if text else None:
        case ObjectFormat(schema=None):
            return JsonObject()
        case ObjectFormat(schema=dict() as schema):
            return JsonSchema(schema)
        case SchemaFormat(name=name, schema=schema):
            return JsonSchema(schema, name)
    return None


def _tools(asked: ResponsesBody) -> tuple[list[Tool], ToolChoice | None]:
    """The functions among the tools, and which are to be called. What OpenAI or its agents would run
    (`web_search`, `namespace`, ...) is passed over: no model here can call it."""
    tools = [
        _tool(converted(tool, FunctionTool, f"tools[{number}]"))
        for number, tool in enumerate(asked.tools or [])
        if converted(tool, AnyTool, f"tools[{number}]").type == "function"
    ]
    choice = asked.tool_choice
    if isinstance(choice, dict):
        match choice.get("type"):
            case "function":
                return tools, NamedTool(converted(choice, FunctionChoice, "tool_choice").name)
            case "allowed_tools":
                allowed = converted(choice, AllowedTools, "tool_choice")
                return _allowed(tools, allowed.tools), allowed.mode
        raise BodyError("only functions can be chosen", "tool_choice.type", "function or allowed_tools")
    return tools, None if choice in ("auto", "none") and not tools else choice


def _allowed(tools: Sequence[Tool], allowed: Sequence[dict[str, Any]]) -> list[Tool]:
    names = {one.get("name") for one in allowed if one.get("type") == "function"}
    if unknown := names - {tool.name for tool in tools}:
        raise BodyError(f"there is no tool {next(iter(unknown))!r}", "tool_choice.tools")
    return [tool for tool in tools if tool.name in names]


def _tool(tool: FunctionTool) -> Tool:
    """`strict` is taken and promises nothing: only a call that has to be made is bound to its schema."""
    named = {"parameters": tool.parameters} if tool.parameters is not None else {}
    return Tool(tool.name, tool.description or "", **named)
