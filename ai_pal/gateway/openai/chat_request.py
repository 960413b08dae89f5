"""POST /v1/chat/completions: the body, and what is asked by it. Pure.

Fields as in OpenAI's API reference (2026-11), and those by which local servers are asked for more."""

from typing import Annotated, Any, Literal

import msgspec

from ai_pal.client.asking import Asking
from ai_pal.gateway.answering.going_on import begun
from ai_pal.gateway.asking import wishes
from ai_pal.gateway.asking.answered_calls import unanswered
from ai_pal.gateway.openai.functions import Function, FunctionChoice, FunctionTool, NamedChoice, as_tools
from ai_pal.gateway.openai.local import LocalChat, either, local_wishes, most_tokens, thoughts
from ai_pal.gateway.openai.messages import AnyMessage, Assistant, conversation
from ai_pal.gateway.openai.ollama_options import with_options
from ai_pal.gateway.wire.bodies import BodyError, decoded
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import JsonObject, JsonSchema, NamedTool, ResponseFormat, Tool

Temperature = Annotated[float, msgspec.Meta(ge=0, le=2)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Penalty = Annotated[float, msgspec.Meta(ge=-2, le=2)]
FormName = Annotated[str, msgspec.Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$(?!\n)")]
"""What a schema is called. Python's `$` also stands before a last newline, and JavaScript, for which this is
published, knows no `\\Z`."""

TopLogprobs = Annotated[int, msgspec.Meta(ge=0, le=20)]
Metadata = Annotated[
    dict[Annotated[str, msgspec.Meta(max_length=64)], Annotated[str, msgspec.Meta(max_length=512)]],
    msgspec.Meta(max_length=16),
]
ServiceTier = Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"]


class TextFormat(msgspec.Struct, tag_field="type", tag="text"):
    pass


class ObjectFormat(msgspec.Struct, tag_field="type", tag="json_object"):
    schema: dict[str, Any] | None = None


class Schema(msgspec.Struct):
    name: FormName
    schema: dict[str, Any] | None = None
    description: str | None = None
    strict: bool | None = None


class SchemaFormat(msgspec.Struct, tag_field="type", tag="json_schema"):
    """llama.cpp's clients send the schema alone."""

    json_schema: Schema | msgspec.UnsetType = msgspec.UNSET
    schema: dict[str, Any] | None = None


AnyForm = TextFormat | ObjectFormat | SchemaFormat


class AllowedTools(msgspec.Struct):
    mode: Literal["auto", "required"]
    tools: list[NamedChoice]


class AllowedChoice(msgspec.Struct, tag_field="type", tag="allowed_tools"):
    allowed_tools: AllowedTools


class StreamOptions(msgspec.Struct, forbid_unknown_fields=True):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None
    continuous_usage_stats: bool | None = None


class ReasoningWish(msgspec.Struct, forbid_unknown_fields=True):
    """As OpenRouter has it; `exclude`: thoughts are not told."""

    effort: str | None = None
    enabled: bool | None = None
    max_tokens: int | None = None
    exclude: bool | None = None


class ChatBody(LocalChat, forbid_unknown_fields=True, kw_only=True):
    """None says nothing. The last fields concern what OpenAI keeps on its side, and mean nothing here."""

    messages: Annotated[list[AnyMessage], msgspec.Meta(min_length=1)]
    model: str
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    max_tokens: int | None = None
    max_completion_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    n: int | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: TopLogprobs | None = None
    response_format: AnyForm | None = None
    tools: list[FunctionTool] | None = None
    tool_choice: Literal["auto", "none", "required"] | NamedChoice | AllowedChoice | None = None
    parallel_tool_calls: bool | None = None
    functions: list[Function] | None = None
    function_call: FunctionChoice | None = None
    # What local servers are asked for.
    options: dict[str, Any] | None = None
    reasoning: ReasoningWish | None = None
    reasoning_format: Literal["auto", "deepseek", "parsed", "hidden"] | None = None
    include_reasoning: bool | None = None
    continue_final_message: bool | None = None
    add_generation_prompt: bool | None = None
    # What is refused where it asks for something.
    modalities: list[str] | None = None
    audio: Any = None
    moderation: Any = None
    prediction: Any = None
    web_search_options: Any = None
    # Of no meaning here.
    user: str | None = None
    metadata: Metadata | None = None
    store: bool | None = None
    service_tier: ServiceTier | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


_BODY = msgspec.json.Decoder(ChatBody)


def read(body: bytes) -> ChatBody:
    """The body. Raises `BodyError`: it cannot be read, or asks for what nobody here can."""
    asked = decoded(body, _BODY)
    if asked.modalities not in (None, ["text"]):
        raise BodyError("answers are text", "modalities")
    only_of_streams(asked.stream_options, asked.stream)
    for name in ("audio", "moderation", "prediction", "web_search_options"):
        if getattr(asked, name) is not None:
            raise BodyError("this cannot be had here", name, "leave it out")
    beside: dict[str, Any] = {"tools": asked.tools, "tool_choice": asked.tool_choice}
    beside["parallel_tool_calls"] = asked.parallel_tool_calls or None  # one at a time is what functions are
    return msgspec.structs.replace(asked, **as_tools(asked.functions, asked.function_call, beside))


def messages_of(asked: ChatBody) -> tuple[list[Message], str]:
    """The conversation in our terms, and how its answer begins. Raises `BodyError`."""
    turns = conversation(asked.messages)
    if found := unanswered(turns):
        number, call = found
        turn = asked.messages[number]
        place, hint = "tool_calls", f"send a tool message for each, as for {call!r}"
        if isinstance(turn, Assistant) and turn.function_call is not None and not turn.tool_calls:
            place, hint = "function_call", f"send a function message for {turn.function_call.name!r}"
        raise BodyError("behind calls come their results", f"messages[{number}].{place}", hint)
    goes_on = isinstance(asked.messages[-1], Assistant)
    for name, right in (("continue_final_message", goes_on), ("add_generation_prompt", not goes_on)):
        if getattr(asked, name) not in (None, right):
            raise BodyError("an answer goes on with the last message where the assistant has said it", name)
    return begun(turns)


def how(asked: ChatBody) -> Asking:
    """How it is to be answered, as keywords of any client. Raises `BodyError`."""
    asking: Asking = {
        "model": asked.model,
        "temperature": asked.temperature,
        "top_p": asked.top_p,
        "max_tokens": most_tokens(asked, either(asked, "max_completion_tokens", "max_tokens")),
        "seed": asked.seed,
        "stop": wishes.stops(asked.stop),
        "presence_penalty": asked.presence_penalty,
        "frequency_penalty": asked.frequency_penalty,
        "logit_bias": biases_of(asked.logit_bias),
        "logprobs": (asked.top_logprobs or 0) if asked.logprobs else None,
        **_tools(asked),  # type: ignore[typeddict-item]
        "parallel_tool_calls": asked.parallel_tool_calls if asked.tools else None,
        **_thinking(asked),
        "trim": False,
        **local_wishes(asked, form_of(asked.response_format)),
    }
    if asked.top_logprobs and not asked.logprobs:
        raise BodyError("top_logprobs wants logprobs to be true", "top_logprobs")
    return with_options(asking, asked.options)


def hides_thoughts(asked: ChatBody) -> bool:
    """Whether thoughts are not to be told. Raises `BodyError`: it is said, and the opposite."""
    wish = asked.reasoning or ReasoningWish()
    said = {
        "include_reasoning": asked.include_reasoning,
        "reasoning.exclude": None if wish.exclude is None else not wish.exclude,
        "reasoning_format": None if asked.reasoning_format is None else asked.reasoning_format != "hidden",
    }
    shown = {shows: name for name, shows in said.items() if shows is not None}
    if len(shown) > 1:
        raise BodyError(f"{' and '.join(shown.values())} contradict each other", shown[False])
    return False in shown


def only_of_streams(options: StreamOptions | None, stream: bool | None) -> None:
    """Raises `BodyError`: what a stream would have is asked of a whole answer, or tokens are to be counted
    while they come, as vLLM does it."""
    if options is not None and not stream:
        raise BodyError("stream_options are of a stream", "stream_options", "set stream, or leave it out")
    if options is not None and options.continuous_usage_stats:
        where = "stream_options.continuous_usage_stats"
        raise BodyError("tokens are counted at the end", where, "leave it out")


def biases_of(given: dict[str, float] | None) -> dict[int, float] | None:
    """What is added to the logits of tokens, by their numbers. Raises `BodyError`."""
    if any(not -100 <= bias <= 100 for bias in (given or {}).values()):
        raise BodyError("a bias is from -100 to 100", "logit_bias")
    try:
        return None if given is None else {int(token): bias for token, bias in given.items()}
    except ValueError:
        raise BodyError("tokens are named by their numbers", "logit_bias") from None


def form_of(form: AnyForm | None) -> ResponseFormat | None:
    """What an answer is held to. Raises `BodyError`."""
    match form:
        case ObjectFormat():
            return JsonObject() if form.schema is None else JsonSchema(form.schema)
        case SchemaFormat(json_schema=Schema() as named):
            return JsonObject() if named.schema is None else JsonSchema(named.schema, named.name)
        case SchemaFormat():
            if form.schema is None:
                raise BodyError("there is no schema", "response_format.json_schema")
            return JsonSchema(form.schema)
    return None


def _tool(function: Function) -> Tool:
    """`strict` is taken and promises nothing: only a call that has to be made is bound to its schema."""
    named = {"parameters": function.parameters} if function.parameters is not None else {}
    return Tool(function.name, function.description or "", **named)


def _tools(asked: ChatBody) -> dict[str, Any]:
    """The tools, and which are to be called."""
    tools = [_tool(tool.function) for tool in asked.tools or []]
    match asked.tool_choice:
        case NamedChoice(function=function):
            return {"tools": tools, "tool_choice": NamedTool(function.name)}
        case AllowedChoice(allowed_tools=AllowedTools(mode=mode, tools=chosen)):
            names = {one.function.name for one in chosen}
            if unknown := names - {tool.name for tool in tools}:
                raise BodyError(f"there is no tool {next(iter(unknown))!r}", "tool_choice.allowed_tools")
            return {"tools": [tool for tool in tools if tool.name in names], "tool_choice": mode}
    return {"tools": tools, "tool_choice": asked.tool_choice}


def _thinking(asked: ChatBody) -> dict[str, Any]:
    wish = asked.reasoning or ReasoningWish()
    said = {name: getattr(wish, name) for name in ("effort", "enabled", "max_tokens")}
    return thoughts(asked, **{f"reasoning.{name}": value for name, value in said.items()})
