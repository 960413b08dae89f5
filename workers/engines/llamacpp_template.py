"""What a model's chat template can: found out by asking llama.cpp to render with it."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from ai_pal.errors import Code, fail
from ai_pal.protocol.options import GenerationOptions

Thinks = Literal["never", "if wanted", "always"]
OPEN, CLOSE = "<think>", "</think>"
QUESTION = [{"role": "user", "content": "x"}]


class Template(msgspec.Struct, frozen=True):
    """`tools`: it knows of tools and of calls. `efforts`: it can be told how hard to think. `remembers`: it
    shows thoughts of earlier turns where it wants to. `tagged`: thoughts stand between the usual tags.
    `unended`: it opens a thought with the usual tag, and shows no end of one."""

    tools: bool = False
    thinks: Thinks = "never"
    efforts: bool = False
    remembers: bool = False
    tagged: bool = False
    unended: bool = False


def look(text: str, caps: dict[str, Any], render: Callable[[dict[str, Any]], str]) -> Template:
    """Learn about the template with this text. `render` gives the prompt of a question with such a body."""
    efforts = bool(caps.get("supports_reasoning_effort"))
    body: dict[str, Any] = {"messages": QUESTION}
    with_, without = (
        render(body | {"chat_template_kwargs": {"enable_thinking": value}}) for value in (True, False)
    )
    thinks: Thinks = "never"
    if with_ != without:
        thinks = "if wanted"
    elif efforts or CLOSE in text or with_.rstrip().endswith(OPEN):
        thinks = "always"
    return Template(
        bool(caps.get("supports_tools") and caps.get("supports_tool_calls")),
        thinks,
        efforts,
        "reasoning_content" in text,
        CLOSE in text,
        CLOSE not in text and with_.rstrip().endswith(OPEN),
    )


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
    if budget is not None and not template.tagged and template.thinks != "never":
        what = "kept from thinking" if switched_off else "told how long to think"
        _refuse(f"this model cannot be {what}", "leave thinking as it is, or ask another model")
    return budget


def begun_thought(prompt: str) -> str | None:
    """What stands behind the tag of a thought that the prompt opens; None where it opens none."""
    _, found, behind = prompt.rpartition(OPEN)
    return behind if found and not behind.strip() else None


def _refuse(message: str, hint: str) -> None:
    fail(Code.UNSUPPORTED, message, hint)
