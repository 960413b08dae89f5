"""What a model's chat template can: found out by asking llama.cpp to render with it."""

import re
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from ai_pal.errors import Code, fail
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.thinking_levels import BUDGETS
from workers.engines.channels import ANALYSIS, CHANNEL, END, writes_channels
from workers.engines.thought_marks import SWITCHES, Marks, marks_of
from workers.engines.unix_http import RefusedError

Thinks = Literal["never", "if wanted", "always"]
QUESTION = [{"role": "user", "content": "x"}]
THOUGHT = "a thought that is seen"
CALL = {"type": "function", "id": "abcdefgh0", "function": {"name": "some_tool", "arguments": "{}"}}
THOUGHTFUL: tuple[list[dict[str, Any]], ...] = (
    [*QUESTION, {"role": "assistant", "content": "y", "reasoning_content": THOUGHT}, *QUESTION],
    [
        *QUESTION,
        {"role": "assistant", "content": "", "reasoning_content": THOUGHT, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": CALL["id"], "name": "some_tool", "content": "z"},
    ],
)
"""Thoughts of an answer, and of the turn that goes on."""
_OFF_UNLESS_ASKED = re.compile(
    r"enable_thinking\s+is\s+defined\s+and\s+enable_thinking\b(?:\s+is\s+true\b)?(?!\s*(?:is\b|==|!=))"
    r"|enable_thinking\s*\|\s*default\(\s*false",
    re.IGNORECASE,
)


class Template(msgspec.Struct, frozen=True):
    """`tools`: it knows of tools and of calls. `efforts`: it can be told how hard to think. `remembers`: it
    shows thoughts of earlier turns where it wants to. `marks` are around thoughts, `switch` is the variable
    that keeps the model from thinking, "" for none; `off`: it does not think unless that says so. llama.cpp
    always says so, and so it has to be told. `channels`: thoughts come in one of their own, see
    `workers.engines.channels`. `untold`: llama.cpp cannot see from the template how they are marked, since it
    shows no end of one, no channel, or no thought at all."""

    tools: bool = False
    thinks: Thinks = "never"
    efforts: bool = False
    remembers: bool = False
    marks: Marks | None = None
    switch: str = ""
    off: bool = False
    channels: bool = False
    untold: bool = False


def look(text: str, caps: dict[str, Any], render: Callable[[dict[str, Any]], str]) -> Template:
    """Learn about the template with this text. `render` gives the prompt of a question with such a body."""
    efforts = bool(caps.get("supports_reasoning_effort"))
    in_channels = writes_channels(text)
    marks = None if in_channels else marks_of(text)

    def asked(name: str, value: bool) -> str:
        return render({"messages": QUESTION, "chat_template_kwargs": {name: value}})

    switches = (name for name in SWITCHES if name in text and asked(name, True) != asked(name, False))
    switch = next(switches, "")
    thinks: Thinks = "never"
    if switch:
        thinks = "if wanted"
    elif efforts or marks is not None or in_channels:
        thinks = "always"
    remembers = in_channels or _remembers(render)
    opens = begun_thought(asked(switch or SWITCHES[0], True), marks) is not None
    return Template(
        bool(caps.get("supports_tools") and caps.get("supports_tool_calls")),
        thinks,
        efforts,
        remembers,
        marks,
        switch,
        switch == SWITCHES[0] and _OFF_UNLESS_ASKED.search(text) is not None,
        in_channels,
        CHANNEL not in text if in_channels else _is_untold(text, marks, opens=opens, remembers=remembers),
    )


def _is_untold(text: str, marks: Marks | None, *, opens: bool, remembers: bool) -> bool:
    """A thought that the prompt opens is seen by its end, any other where one of before is shown."""
    return marks is not None and (marks.close not in text if opens else not remembers)


def _remembers(render: Callable[[dict[str, Any]], str]) -> bool:
    for messages in THOUGHTFUL:
        try:
            if THOUGHT in render({"messages": messages}):
                return True
        except RefusedError:
            pass
    return False


def untold(template: Template, *, tools: bool) -> Template:
    """The same where llama.cpp takes no answer apart; without `tools` calls would come as text."""
    return msgspec.structs.replace(
        template,
        tools=template.tools and tools,
        untold=template.marks is not None or template.channels,
    )


def thinking_body(template: Template, options: GenerationOptions) -> dict[str, Any]:
    """What the template is told so that the model thinks as wanted; of a level that it does not know, that it
    shall think."""
    wanted = options.thinking
    if wanted in BUDGETS and not template.efforts:
        wanted = "on"
    if wanted is None and (template.off or options.prefill):  # what is begun has no thought before it
        wanted = "off"
    elif wanted is None and template.switch == SWITCHES[0]:
        wanted = "on"
    arguments: dict[str, Any] = {}
    if wanted is not None and template.switch:
        arguments[template.switch] = wanted != "off"
    if wanted in BUDGETS:
        arguments["reasoning_effort"] = wanted
    return {"chat_template_kwargs": arguments} if arguments else {}


def thinking_budget(template: Template, options: GenerationOptions) -> int | None:
    """Tokens that it may think at most; None where nobody has said. A level is so many where the template has
    none. Raises `AiPalError` (`unsupported`)."""
    switched_off = options.thinking == "off" and template.thinks == "always"
    budget = 0 if switched_off else None if options.thinking == "off" else options.thinking_budget
    if budget is None and not template.efforts:
        budget = BUDGETS.get(options.thinking or "")
    if budget is not None and template.thinks != "never" and template.marks is None and not template.channels:
        what = "kept from thinking" if switched_off else "told how long to think"
        _refuse(f"this model cannot be {what}", "leave thinking as it is, or ask another model")
    return budget


def bounded(tokens: int, template: Template) -> dict[str, Any]:
    """The body's part that ends a thought behind so many tokens. llama.cpp goes by its own idea of the tags,
    and by what is said here where it has none."""
    body: dict[str, Any] = {"thinking_budget_tokens": tokens}
    if template.untold:
        start, end = template.marks or (ANALYSIS, END)
        body |= {"reasoning_budget_tokens": tokens, "reasoning_budget_message": ""}
        body |= {"reasoning_budget_start_tag": start, "reasoning_budget_end_tags": [end]}
    return body


def begun_thought(prompt: str, marks: Marks | None) -> str | None:
    """What stands behind the mark of a thought that the prompt opens; None where it opens none."""
    if marks is None:
        return None
    _, found, behind = prompt.rpartition(marks.open)
    return behind if found and not behind.strip() else None


def _refuse(message: str, hint: str) -> None:
    fail(Code.UNSUPPORTED, message, hint)
