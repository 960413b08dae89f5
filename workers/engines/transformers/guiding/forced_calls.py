"""Grammars for answers that have to call tools, and for forms behind a thought: llguidance's Lark. Pure."""

import json
from collections.abc import Callable, Sequence

from ai_pal.protocol.options import Tool
from workers.engines import channels
from workers.engines.transformers.parts.call_forms import HARMONY, HERMES, LLAMA, MISTRAL_LIST, Calls
from workers.structured.rules import arguments_rule, call_words


def forcing_grammar(
    calls: Calls, tools: Sequence[Tool], parallel: bool, mark: Callable[[str], str]
) -> str | None:
    """llguidance's Lark for an answer that calls at least one of these tools, with arguments that validate.
    `mark` writes a mark as the grammar wants it. None where this family's calls cannot be forced.

    Raises `AiPalError` (`unsupported`) for parameters that cannot be expressed."""
    if not calls.forced:
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
    return call_words(tool.name, calls.arguments)


def _behind(calls: Calls) -> str:
    return "" if calls.body == "named" else " " + _text("}")


def _text(text: str) -> str:
    """A literal of the grammar."""
    return json.dumps(text)
