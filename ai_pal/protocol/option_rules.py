"""What each option of an answer may be: one table, so that a value gets one verdict, in the same words, from
every face. It takes what any of the libraries can make something of. Pure."""

import math
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

import msgspec

from ai_pal.protocol.json_values import objection_to_json
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.value_rules import (
    MOST,
    TRUE_OR_FALSE,
    Rule,
    not_so,
    number,
    objection_of,
    read,
    whole,
)

MAX_NESTING = 32
"""Levels of `extra`: what could just be decoded might be too deep to be encoded for the worker."""

MOST_ALTERNATIVES = 1000
"""More of them for each token would be more than a client can read."""

MOST_CONTEXT = 1_000_000_000
"""No model has as much, and every engine can count so far."""

KvCache = Literal["f16", "q8_0", "q4_0"]
"""How llama.cpp keeps the keys and values of a window: 16, 8.5 or 4.5 bits a number."""

RULES: Mapping[str, Rule] = {
    "temperature": number("of 0 or more", 0),
    "top_p": number("from 0 to 1", 0, 1),
    "max_tokens": whole("of 1 or more", 1),
    "seed": whole("of 64 bits", -(1 << 63), (1 << 64) - 1),
    "stop": Rule("a list of texts that are not empty", all),
    "top_k": whole("of 1 or more, or 0 or -1 for all tokens", -1),
    "min_p": number("from 0 to 1", 0, 1),
    "presence_penalty": number(""),
    "frequency_penalty": number(""),
    "repeat_penalty": number("above 0", 0, above=True),
    "logit_bias": Rule(
        "a map of token ids to numbers",
        lambda bias: all(0 <= token <= MOST and math.isfinite(value) for token, value in bias.items()),
    ),
    "logprobs": whole(f"from 0 to {MOST_ALTERNATIVES}", 0, MOST_ALTERNATIVES),
    "response_format": Rule("a json_object, json_schema or grammar"),
    "tools": Rule("a list of tools"),
    "tool_choice": Rule("auto, none, required or the name of a tool"),
    "parallel_tool_calls": TRUE_OR_FALSE,
    "thinking": Rule("off, on, low, medium or high"),
    "thinking_budget": whole("of tokens, 0 or more", 0),
    "context": whole(f"of tokens, from 1 to {MOST_CONTEXT}", 1, MOST_CONTEXT),
    "prefill": Rule("a text"),
    "stop_repeating": TRUE_OR_FALSE,
    "trim": TRUE_OR_FALSE,
    "lora": Rule("a list of adapters, each as FILE or FILE=SCALE", all),
    "extra": Rule("a map of names to values"),
}
"""By the names of the fields of `GenerationOptions`."""


def objection_to_value(name: str, value: object) -> str:
    """Why this option cannot have this value, of whatever type it is, or nothing."""
    if name not in RULES:
        near = nearest(name)
        return f"there is no option {name!r}" + (f"; did you mean {near}?" if near else "")
    if name == "extra" and isinstance(value, dict):
        return _objection_to_extra(value)
    return objection_of(RULES[name], name, value, _types()[name])


def read_value(name: str, text: str) -> Any:
    """What a text says of this option; the text itself where it says none of its kind."""
    return read(RULES[name], text)


def objection_to_types(options: GenerationOptions) -> str:
    """Why options made in this program cannot be, or nothing: a struct takes whatever it is given."""
    for name in options.__struct_fields__:
        value = getattr(options, name)
        if value is not None and (why := objection_to_value(name, value)):
            return why
    return ""


def objection_to_options(options: GenerationOptions) -> str:
    """Why options of the right types cannot be, or nothing."""
    for name, rule in RULES.items():
        value = getattr(options, name)
        if value is not None and not rule.holds(value):
            return not_so(rule, name, value)
    for name in options.extra:
        if name in RULES:
            return f"{name} is an option of its own, and not for extra"
    return objection_to_json(options.extra, "extra", MAX_NESTING)


def contradiction(options: GenerationOptions) -> str:
    """Why one of the options would have no effect beside the others, or nothing."""
    if options.thinking == "off" and options.thinking_budget:
        return f"thinking is off, and thinking_budget gives it {options.thinking_budget} tokens"
    if options.parallel_tool_calls is not None and not options.tools:
        return "parallel_tool_calls: there are no tools to call"
    return ""


def nearest(name: str) -> str:
    """The option that was probably meant, "" where none is near."""
    import difflib

    return next(iter(difflib.get_close_matches(name, RULES, n=1)), "")


def _objection_to_extra(extra: dict[Any, Any]) -> str:
    """As faces take it: what is called by the name of a field will be that field."""
    for name, value in extra.items():
        if name in RULES and name != "extra" and (why := objection_to_value(name, value)):
            return why
    rest = {name: value for name, value in extra.items() if name not in RULES}
    return objection_to_json(rest, "extra", MAX_NESTING)


@cache
def _types() -> dict[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(GenerationOptions)}
