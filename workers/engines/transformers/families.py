"""How families of models write what they think and the tools they call: one entry each.

The texts are cut apart by transformers' own response parser; a tokenizer that brings a response template of
its own needs no entry here.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from ai_pal.protocol.options import Tool
from workers.engines import channels
from workers.structured.rules import arguments_rule

Body = Literal["objects", "named", "whole"]
"""How a call is written between its marks: as JSON with a name and arguments, as the name and JSON behind it,
or in a form of its own that the response parser reads when it is complete."""


class Thinking(msgspec.Struct, frozen=True):
    """The marks around what a model thinks. `final` is how its answer begins where that is marked, too."""

    open: str
    close: str
    final: str = ""

    @property
    def ended(self) -> str:
        """What ends a thought for the model."""
        return self.close if self.final else f"\n{self.close}\n\n"


class Calls(msgspec.Struct, frozen=True):
    """The marks around calls, their body, and for JSON what the arguments are called. `separator` stands
    between two calls; `region` is what the response parser is told."""

    open: str
    close: str
    body: Body
    arguments: str = "arguments"
    separator: str = ""
    region: dict[str, Any] = {}

    @property
    def marks(self) -> list[str]:
        return [mark for mark in (self.open, self.close) if mark]


THINKING = (
    Thinking("<think>", "</think>"),
    Thinking("[THINK]", "[/THINK]"),
    Thinking("<|channel>thought\n", "<channel|>"),
    Thinking("<seed:think>", "</seed:think>"),
)
HARMONY_THINKING = Thinking(channels.ANALYSIS, channels.END, channels.FINAL)
FUNCTION_TAGS = Calls(
    "<tool_call>",
    "</tool_call>",
    "whole",
    region={
        "open_pattern": r"\s*<tool_call>\s*<function=(?P<name>[^>\n]+)>",
        "close_pattern": r"</function>\s*</tool_call>",
        "repeats": True,
        "content": "xml-inline",
        "content_args": {"tag_pattern": r"<parameter=(?P<key>[^>\n]+)>\n?(?P<value>.*?)\n?</parameter>"},
        "transform": {"type": "function", "function": {"name": "{name}", "arguments": "{content}"}},
    },
)
HERMES = Calls("<tool_call>", "</tool_call>", "objects", separator="\n")
MISTRAL = Calls("[TOOL_CALLS]", "", "named")
MISTRAL_LIST = Calls("[TOOL_CALLS]", "", "objects")
HARMONY = Calls(channels.CHANNEL, channels.CALL, "named")
LLAMA = Calls(
    "",
    "",
    "objects",
    "parameters",
    region={
        "open_pattern": r'(?:<\|python_tag\|>|\A\s*(?=\{\s*"(?:name|type|parameters)"))',
        "repeats": True,
        "content": "text",
    },
)


def thinking_of(template: str, added: Sequence[str]) -> Thinking | None:
    """How the model marks what it thinks, by its template and the tokens that were added for it."""
    if channels.writes_channels(template):
        return HARMONY_THINKING
    for one in THINKING:
        if one.open in template or one.close in template or one.close in added:
            return one
    return None


def calls_of(template: str) -> Calls | None:
    """How a model with this template calls tools; None where that is not known."""
    if channels.writes_channels(template):
        return HARMONY
    if "<function=" in template and "<parameter=" in template:
        return FUNCTION_TAGS
    if "<tool_call>" in template:
        return HERMES
    if "[TOOL_CALLS]" in template:
        return MISTRAL if "[ARGS]" in template else MISTRAL_LIST
    if "<|python_tag|>" in template or '"parameters": ' in template:
        return LLAMA
    return None


def region_of(calls: Calls) -> dict[str, Any]:
    """The field of a response template in which such calls are."""
    if calls.region:
        return calls.region
    end = {"close": calls.close} if calls.close else {}
    return {"open": calls.open, "repeats": True, "content": "text", **end}


def forcing_grammar(
    calls: Calls, tools: Sequence[Tool], parallel: bool, mark: Callable[[str], str]
) -> str | None:
    """llguidance's Lark for an answer that calls at least one of these tools, with arguments that validate.
    `mark` writes a mark as the grammar wants it. None where this family's calls cannot be forced.

    Raises `AiPalError` (`unsupported`) for parameters that cannot be expressed."""
    if calls.body == "whole":
        return None
    names = [f"call{index}" for index in range(len(tools))]
    rules = [
        f"{name}: {_call(calls, tool, mark)} args{index}{_behind(calls)}"
        for index, (name, tool) in enumerate(zip(names, tools, strict=True))
    ]
    rules += [f"args{index}: {arguments_rule(tool)}" for index, tool in enumerate(tools)]
    opening, closing = (mark(text) if text else "" for text in (calls.open, calls.close))
    if calls is HARMONY:
        opening, closing = f"{_next_message(mark)} {opening}", ""
    newline = _text("\n") if calls is HERMES else ""
    one = f"{opening} {newline} one_call {newline} {closing}"
    if calls is MISTRAL_LIST:
        more = f"({_text(', ')} one_call)*" if parallel else ""
        start = f"{opening} {_text('[')} one_call {more} {_text(']')}"
    elif parallel and calls not in (LLAMA, HARMONY):
        separator = _text(calls.separator) if calls.separator else ""
        start = f"block ({separator} block)*"
        rules.append(f"block: {one}")
    else:
        start = one
    return "\n".join([f"start: {start}", f"one_call: {' | '.join(names)}", *rules])


def document_rules(form: str, final: str, mark: Callable[[str], str]) -> str:
    """The grammar of an answer of this form, with what an answer begins with where that is marked."""
    if not final:
        return f"start: {form}"
    head = f"{_next_message(mark)} {mark(channels.CHANNEL)} {_text('final')} {mark(channels.MESSAGE)}"
    return f"start: {head} form\nform: {form}"


def _next_message(mark: Callable[[str], str]) -> str:
    """Behind a thought; the first message is begun by the prompt."""
    return f"({mark(channels.START)} {_text('assistant')})?"


def _call(calls: Calls, tool: Tool, mark: Callable[[str], str]) -> str:
    if calls is HARMONY:
        head = _text(f"commentary to={channels.OF_TOOLS}{tool.name} ")
        return f"{head} {mark(channels.CONSTRAIN)} {_text('json')} {mark(channels.MESSAGE)}"
    if calls.body == "named":
        return _text(f"{tool.name}[ARGS]")
    return _text(f'{{"name": {json.dumps(tool.name)}, "{calls.arguments}": ')


def _behind(calls: Calls) -> str:
    return "" if calls.body == "named" else " " + _text("}")


def _text(text: str) -> str:
    """A literal of the grammar."""
    return json.dumps(text)
