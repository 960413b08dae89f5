"""How an answer is wanted, as options of the command line: those of `GenerationOptions`, each by its field's
name. What binds the form of an answer is read from its file while it is parsed."""

import argparse
from typing import Any, get_args

import msgspec

from ai_pal.cli.prompts.values import option, pair, stop
from ai_pal.cli.terminal.completing import completes
from ai_pal.errors import Code, fail
from ai_pal.protocol.options import (
    GenerationOptions,
    Grammar,
    JsonObject,
    JsonSchema,
    Thinking,
    Tool,
    ToolChoice,
)

FIELDS = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "repeat_penalty",
    "max_tokens",
    "seed",
    "stop",
    "logprobs",
    "response_format",
    "prefill",
    "thinking",
    "thinking_budget",
    "tools",
    "tool_choice",
    "lora",
)
"""Those that have an option of their own; `--option NAME=VALUE` reaches the rest."""


def add_sampling(group: argparse._ActionsContainer) -> None:
    group.add_argument("--temperature", type=option("temperature"), metavar="T", help="0 or more")
    group.add_argument("--top-p", type=option("top_p"), metavar="P", help="from 0 to 1")
    group.add_argument(
        "--top-k", type=option("top_k"), metavar="N", help="among the N most probable; 0 is all"
    )
    group.add_argument(
        "--min-p", type=option("min_p"), metavar="P",
        help="among those at least P times as probable as the first",
    )  # fmt: skip
    group.add_argument(
        "--presence-penalty",
        type=option("presence_penalty"),
        metavar="X",
        help="against words that were there",
    )
    group.add_argument(
        "--frequency-penalty", type=option("frequency_penalty"), metavar="X", help="the more often they were"
    )
    group.add_argument(
        "--repeat-penalty", type=option("repeat_penalty"), metavar="X", help="against repetition; 1 is none"
    )
    group.add_argument(
        "--max-tokens", type=option("max_tokens"), metavar="N", help="end the answer after N tokens"
    )
    group.add_argument("--seed", type=option("seed"), metavar="N", help="make the answer repeatable")
    group.add_argument(
        "--stop", action="append", default=[], type=stop, metavar="TEXT", help="end there (repeatable)"
    )
    group.add_argument(
        "--option", action="append", default=[], type=pair, metavar="NAME=VALUE",
        help="any other option, also one of the engine itself (repeatable)",
    )  # fmt: skip


def add_form(group: argparse._ActionsContainer) -> None:
    bound = group.add_mutually_exclusive_group()
    as_schema = bound.add_argument(
        "--schema", type=_schema, dest="response_format", metavar="FILE|JSON",
        help="the answer is JSON that validates against this JSON Schema",
    )  # fmt: skip
    completes(as_schema, "file")
    bound.add_argument(
        "--json-object", action="store_const", const=JsonObject(), dest="response_format",
        help="the answer is a JSON object, any",
    )  # fmt: skip
    by_grammar = bound.add_argument(
        "--grammar", type=_grammar, dest="response_format", metavar="FILE",
        help="the answer is of this grammar (GBNF; models of this machine)",
    )  # fmt: skip
    completes(by_grammar, "file")


def add_prefill(group: argparse._ActionsContainer) -> None:
    group.add_argument("--prefill", default="", metavar="TEXT", help="how the answer begins")


def add_thinking(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--think", dest="thinking", choices=get_args(Thinking), metavar="LEVEL",
        help="whether and how hard it thinks first: off, on, low, medium or high",
    )  # fmt: skip
    group.add_argument(
        "--think-budget",
        dest="thinking_budget",
        type=option("thinking_budget"),
        metavar="N",
        help="for at most N tokens",
    )


def add_tools(group: argparse._ActionsContainer, become: str = "calls are printed, nothing is run") -> None:
    """`become`: what comes of them in this command."""
    listed = group.add_argument(
        "--tools", type=_tools, default=[], metavar="FILE|JSON",
        help=f"functions that the model may call, as a JSON list; {become}",
    )  # fmt: skip
    completes(listed, "file")
    group.add_argument(
        "--tool-choice",
        type=_tool_choice,
        metavar="HOW",
        help="whether it is to call one: auto, none, required, or the name of one",
    )


def options_of(args: argparse.Namespace) -> GenerationOptions:
    """What the command line says. Raises `AiPalError` (`bad_request`)."""
    said = {name: getattr(args, name) for name in FIELDS if hasattr(args, name)}
    return in_fields(GenerationOptions(**said, extra=dict(args.option)))


def in_fields(options: GenerationOptions) -> GenerationOptions:
    """What `--option` calls by the name of a field is that field. Raises `AiPalError` (`bad_request`)."""
    if not options.extra.keys() & set(GenerationOptions.__struct_fields__):
        return options
    from ai_pal.client.sampling import in_their_fields

    try:
        return in_their_fields(options)
    except TypeError as error:
        fail(Code.BAD_REQUEST, str(error), "say it once")


def shown(value: Any) -> str:
    """The value of a field, for people, in one short line."""
    match value:
        case JsonSchema():
            return msgspec.json.encode(value.schema).decode()
        case JsonObject():
            return "any JSON object"
        case Grammar():
            return "a grammar"
        case list():
            return ", ".join(one.name if isinstance(one, Tool) else repr(one) for one in value)
        case str() if value != value.strip() or not value.isprintable():
            return msgspec.json.encode(value).decode()  # blanks at its ends count
    return str(value)


# Their modules are imported where such an option is given.


def _schema(text: str) -> JsonSchema:
    from ai_pal.cli.prompts.form_files import schema

    return schema(text)


def _grammar(text: str) -> Grammar:
    from ai_pal.cli.prompts.form_files import grammar

    return grammar(text)


def _tools(text: str) -> list[Tool]:
    from ai_pal.cli.prompts.form_files import tools

    return tools(text)


def _tool_choice(text: str) -> ToolChoice:
    from ai_pal.cli.prompts.form_files import tool_choice

    return tool_choice(text)
