"""What a model's chat template can: found out by asking llama.cpp to render with it."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from ai_pal.errors import Code, fail
from ai_pal.protocol.options import GenerationOptions
from workers.engines.channels import ANALYSIS, CHANNEL, END, writes_channels

Thinks = Literal["never", "if wanted", "always"]
OPEN, CLOSE = "<think>", "</think>"
QUESTION = [{"role": "user", "content": "x"}]


class Template(msgspec.Struct, frozen=True):
    """`tools`: it knows of tools and of calls. `efforts`: it can be told how hard to think. `remembers`: it
    shows thoughts of earlier turns where it wants to. `tagged`: thoughts stand between the usual tags.
    `channels`: they come in one of their own, see `workers.engines.channels`. `untold`: llama.cpp cannot see
    from it how they are marked, since it shows no end of one, or no channel."""

    tools: bool = False
    thinks: Thinks = "never"
    efforts: bool = False
    remembers: bool = False
    tagged: bool = False
    channels: bool = False
    untold: bool = False


def look(text: str, caps: dict[str, Any], render: Callable[[dict[str, Any]], str]) -> Template:
    """Learn about the template with this text. `render` gives the prompt of a question with such a body."""
    efforts = bool(caps.get("supports_reasoning_effort"))
    body: dict[str, Any] = {"messages": QUESTION}
    with_, without = (
        render(body | {"chat_template_kwargs": {"enable_thinking": value}}) for value in (True, False)
    )
    thinks: Thinks = "never"
    opens, in_channels = begun_thought(with_) is not None, writes_channels(text)
    if with_ != without:
        thinks = "if wanted"
    elif efforts or CLOSE in text or opens or in_channels:
        thinks = "always"
    return Template(
        bool(caps.get("supports_tools") and caps.get("supports_tool_calls")),
        thinks,
        efforts,
        "reasoning_content" in text or in_channels,
        not in_channels and (CLOSE in text or opens),
        in_channels,
        CHANNEL not in text if in_channels else opens and CLOSE not in text,
    )


def untold(template: Template) -> Template:
    """The same where llama.cpp takes no answer apart: calls would come as text."""
    return msgspec.structs.replace(template, tools=False, untold=template.tagged or template.channels)


def thinking_body(template: Template, options: GenerationOptions) -> dict[str, Any]:
    """What the template is told so that the model thinks as wanted. Raises `AiPalError` (`unsupported`)."""
    wanted = options.thinking
    if wanted in ("low", "medium", "high") and not template.efforts:
        _refuse(f"this model cannot be told to think as {wanted}", "say only that it shall think, or not")
    arguments: dict[str, Any] = {}
    if wanted is not None and template.thinks == "if wanted":
        arguments["enable_thinking"] = wanted != "off"
    if wanted in ("low", "medium", "high"):
        arguments["reasoning_effort"] = wanted
    return {"chat_template_kwargs": arguments} if arguments else {}


def thinking_budget(template: Template, options: GenerationOptions) -> int | None:
    """Tokens that it may think at most; None where nobody has said. Raises `AiPalError` (`unsupported`)."""
    switched_off = options.thinking == "off" and template.thinks == "always"
    budget = 0 if switched_off else None if options.thinking == "off" else options.thinking_budget
    if budget is not None and template.thinks != "never" and not (template.tagged or template.channels):
        what = "kept from thinking" if switched_off else "told how long to think"
        _refuse(f"this model cannot be {what}", "leave thinking as it is, or ask another model")
    return budget


def bounded(tokens: int, template: Template) -> dict[str, Any]:
    """The body's part that ends a thought behind so many tokens. llama.cpp goes by its own idea of the tags,
    and by what is said here where it has none."""
    body: dict[str, Any] = {"thinking_budget_tokens": tokens}
    if template.untold:
        start, end = (ANALYSIS, END) if template.channels else (OPEN, CLOSE)
        body |= {"reasoning_budget_tokens": tokens, "reasoning_budget_message": ""}
        body |= {"reasoning_budget_start_tag": start, "reasoning_budget_end_tags": [end]}
    return body


def begun_thought(prompt: str) -> str | None:
    """What stands behind the tag of a thought that the prompt opens; None where it opens none."""
    _, found, behind = prompt.rpartition(OPEN)
    return behind if found and not behind.strip() else None


def _refuse(message: str, hint: str) -> None:
    fail(Code.UNSUPPORTED, message, hint)
