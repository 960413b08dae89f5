"""POST /v1/messages and /v1/messages/count_tokens: the bodies, and what is asked by them. Pure."""

from typing import Annotated, Any, Literal

import msgspec

from ai_pal.client.asking import Asking
from ai_pal.gateway.anthropic.answer import UNTHREADED
from ai_pal.gateway.anthropic.messages import TextBlock, Turn, brings_results
from ai_pal.gateway.asking import wishes
from ai_pal.gateway.wire.bodies import BodyError, decoded
from ai_pal.protocol.options import JsonSchema, NamedTool, ResponseFormat, Tool, ToolChoice


class AnyTool(msgspec.Struct):
    """A tool of the client's own has no type, or `custom`; others are run by Anthropic itself, and some of
    these have no name."""

    name: str = ""
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    type: str | None = None


class Choice(msgspec.Struct):
    type: Literal["auto", "any", "none", "tool"]
    name: str = ""
    disable_parallel_tool_use: bool | None = None


LEAST_BUDGET = 1024
"""Of thoughts, as Anthropic has it."""


class Thinking(msgspec.Struct):
    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: Annotated[int, msgspec.Meta(ge=LEAST_BUDGET)] | None = None
    display: Literal["summarized", "omitted", "full"] | None = None


class Form(msgspec.Struct):
    type: Literal["json_schema"]
    schema: dict[str, Any]


class OutputConfig(msgspec.Struct):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: Form | None = None


class Metadata(msgspec.Struct):
    user_id: str | None = None


class CountBody(msgspec.Struct, kw_only=True):
    """What the tokens of a prompt depend on."""

    model: str
    messages: Annotated[list[Turn], msgspec.Meta(min_length=1)]
    system: str | list[TextBlock] | None = None
    tools: list[AnyTool] | None = None
    tool_choice: Choice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: Form | None = None
    # What local servers are asked for.
    think: bool | str | None = None
    reasoning_effort: str | None = None
    chat_template_kwargs: wishes.TemplateKwargs | None = None


class MessagesBody(CountBody, kw_only=True):
    """None says nothing. What Anthropic keeps or counts on its side (`metadata`, `service_tier`,
    `cache_control`, `context_management`, betas) has no meaning here and is passed over, and so are fields
    that nobody knows: its own agent sends new ones before they are published."""

    max_tokens: Annotated[int, msgspec.Meta(ge=0)]
    stream: bool | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, msgspec.Meta(ge=0)] | None = None
    stop_sequences: list[str] | None = None
    metadata: Metadata | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    mcp_servers: list[Any] | None = None
    container: Any = None
    thread: Any = None
    compaction: Any = None
    # What local servers are asked for.
    num_ctx: int | None = None
    keep_alive: str | float | None = None


_MESSAGES = msgspec.json.Decoder(MessagesBody)
_COUNT = msgspec.json.Decoder(CountBody)


def read(body: bytes) -> MessagesBody:
    """The body. Raises `BodyError`: it cannot be read, or asks for what nobody here can."""
    asked = decoded(body, _MESSAGES)
    if asked.mcp_servers:
        raise BodyError("servers of tools are asked by the client here", "mcp_servers", "send their tools")
    if asked.container is not None:
        raise BodyError("nothing is run here", "container", "leave it out")
    if asked.thread is not None:
        hint = "send the whole conversation, without a thread"
        raise BodyError("no conversations are kept here", "thread", hint, UNTHREADED)
    if asked.compaction is not None:
        raise BodyError("nobody here makes summaries of a conversation", "compaction", "ask for one in words")
    budget = asked.thinking.budget_tokens if asked.thinking else None
    if budget is not None and budget >= asked.max_tokens:
        raise BodyError("thoughts count among max_tokens, which has to be more", "thinking.budget_tokens")
    _check(asked)
    return asked


def omits_thoughts(asked: CountBody) -> bool:
    """Whether thoughts are not to be shown. All of them are else: nobody here makes summaries."""
    return asked.thinking is not None and asked.thinking.display == "omitted"


def may_think(asked: CountBody) -> bool:
    """Whether it is the model's to decide: it thinks if it can."""
    return asked.thinking is not None and asked.thinking.type in ("adaptive", "between_tools")


def read_count(body: bytes) -> CountBody:
    """The body of a count. Raises `BodyError`."""
    asked = decoded(body, _COUNT)
    _check(asked)
    return asked


def _check(asked: CountBody) -> None:
    """What no type tells. Raises `BodyError`."""
    if asked.thinking and asked.thinking.type == "enabled" and asked.thinking.budget_tokens is None:
        raise BodyError("how much may be thought is to be said", "thinking.budget_tokens")
    for number, tool in enumerate(asked.tools or []):
        if tool.type in (None, "custom"):
            for name in ("name", "input_schema"):
                if getattr(tool, name) in ("", None):
                    raise BodyError("a tool has a name and says what it takes", f"tools[{number}].{name}")


def how(asked: MessagesBody) -> Asking:
    """How it is to be answered, as keywords of any client. Raises `BodyError`."""
    return {
        **what_counts(asked),
        "max_tokens": asked.max_tokens or 1,
        "temperature": asked.temperature,
        "top_p": asked.top_p,
        "top_k": asked.top_k,
        "stop": asked.stop_sequences or [],
        "parallel_tool_calls": _parallel(asked),
        "thinking_budget": asked.thinking.budget_tokens if asked.thinking else None,
        "context": asked.num_ctx,
        "keep_alive": wishes.keep_alive(asked.keep_alive),
    }


def what_counts(asked: CountBody) -> Asking:
    """The part of it that changes how many tokens the prompt has."""
    return {
        "model": asked.model,
        "tools": _tools(asked.tools or []),
        "tool_choice": _choice(asked.tool_choice),
        "thinking": _thinking(asked),
        "response_format": _form(asked),
        "trim": False,
    }


def _tools(tools: list[AnyTool]) -> list[Tool]:
    """What Anthropic would run itself (`web_search_...`) is passed over: no model here can call it."""
    own = [tool for tool in tools if tool.type in (None, "custom")]
    return [Tool(tool.name, tool.description or "", tool.input_schema or {"type": "object"}) for tool in own]


def _choice(choice: Choice | None) -> ToolChoice | None:
    if choice is None:
        return None
    match choice.type:
        case "tool":
            return NamedTool(choice.name)
        case "any":
            return "required"
        case "auto" | "none":
            return choice.type


def _parallel(asked: CountBody) -> bool | None:
    choice = asked.tool_choice
    return False if choice is not None and choice.disable_parallel_tool_use and asked.tools else None


def _thinking(asked: CountBody) -> Any:
    kind: str | None = asked.thinking.type if asked.thinking else None
    if kind == "between_tools":
        kind = "adaptive" if brings_results(asked.messages[-1]) else "disabled"
    effort = asked.output_config.effort if asked.output_config else None
    if kind == "disabled":
        effort = None
    return wishes.thinking(
        {
            "thinking.type": kind,
            "output_config.effort": effort if kind else None,
            "think": asked.think,
            "reasoning_effort": asked.reasoning_effort,
            **wishes.of_template(asked.chat_template_kwargs),
        }
    )


def _form(asked: CountBody) -> ResponseFormat | None:
    form = asked.output_format or (asked.output_config.format if asked.output_config else None)
    return JsonSchema(form.schema) if form else None
