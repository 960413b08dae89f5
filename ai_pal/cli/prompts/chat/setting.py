"""`/set NAME VALUE`: how answers are wanted, changed within a conversation. Values are read by the options of
`ai-pal chat`, so that both take and refuse the same; quotes around one are not of it. No I/O."""

import argparse
import re
from typing import Any, NoReturn

import msgspec

from ai_pal.cli.prompts import arguments
from ai_pal.cli.prompts.chat.entry import nearest
from ai_pal.cli.prompts.chat.quoted import unquoted
from ai_pal.cli.prompts.options import add_form, add_prefill, add_sampling, add_thinking, in_fields, shown
from ai_pal.cli.prompts.values import pair
from ai_pal.cli.prompts.wishes import Wishes
from ai_pal.errors import Code, fail
from ai_pal.protocol.options import GenerationOptions

DEFAULT = "default"
"""The value that takes back what was set."""

OF_OPTIONS = {
    **{name: name for name in ("temperature", "top_p", "top_k", "min_p")},
    **{name: name for name in ("presence_penalty", "frequency_penalty", "repeat_penalty")},
    **{name: name for name in ("max_tokens", "seed", "stop", "prefill")},
    "schema": "response_format",
    "grammar": "response_format",
    "think": "thinking",
    "think_budget": "thinking_budget",
}
"""The fields of `GenerationOptions`, by the options of `ai-pal chat`."""
OF_WISHES = ("deadline", "keep_alive", "goal", "max_cost")
ENGINE = "option"
"""`/set option NAME VALUE` is for what only the engine knows."""

_APART = re.compile(r"\s*=\s*|\s+")

NAMES = (*OF_OPTIONS, *OF_WISHES, ENGINE)

_LEADS = ("parameter ", "--")
"""What may stand before a name, as other programs have it."""

_WINDOW = "/model NAME?context=N loads a model with a window of N tokens"
_ELSEWHERE = {
    "system": "/system TEXT sets the system prompt",
    "preset": "/preset NAME takes what is kept under a name",
    "model": "/model NAME lets another answer",
    "local": "/local on keeps this conversation on this machine",
    "local_only": "/local on keeps this conversation on this machine",
    "mine": "/mine on keeps this conversation on your machines",
    "context": _WINDOW,
    "num_ctx": _WINDOW,
    "lora": "/model NAME?lora=FILE loads a model with an adapter",
    "num_predict": "did you mean max_tokens?",
    "repetition_penalty": "did you mean repeat_penalty?",
    "thinking": "/think LEVEL sets how hard it thinks",
    "json_object": '/set schema {"type": "object"}',
    "tools": "tools are for one question: ai-pal chat --tools FILE",
    "logprobs": "for one question: ai-pal chat --json --logprobs N",
}
"""What hands look for here, by the names that `ai-pal chat` and other programs have for it."""


class _Reader(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        fail(Code.BAD_REQUEST, message.removeprefix("argument --"), "see: /help")


def changed(wishes: Wishes, argument: str) -> Wishes:
    """The wishes after `/set ARGUMENT`. Raises `AiPalError` (`bad_request`)."""
    for lead in _LEADS:
        argument = argument.removeprefix(lead)
    name, _, value = argument.strip().partition(" ")
    name, value = name.lower().replace("-", "_"), value.strip()
    if name not in NAMES:
        near = nearest(name, NAMES)
        hint = f"did you mean {near}?" if near else f"one of: {', '.join(NAMES)}"
        hint = _ELSEWHERE.get(name, hint)
        fail(Code.BAD_REQUEST, f"there is no {name!r} to set", hint)
    if not value:
        fail(Code.BAD_REQUEST, f"/set {name} wants a value", f"/set {name} {DEFAULT} takes it back")
    if name == ENGINE:
        return _with_option(wishes, value)
    if name in OF_OPTIONS:
        field = OF_OPTIONS[name]
        fields = {field: _read(name, field, value, GenerationOptions())}
        if fields == {"thinking": "off"}:
            fields["thinking_budget"] = None  # what it was given for is over
        return _with_options(wishes, **fields)
    return msgspec.structs.replace(wishes, **{name: _read(name, name, value, Wishes())})


def remark_on(argument: str) -> str:
    """What is to be said of `/set option NAME VALUE`, where only the model that answers knows the name."""
    kind, _, said = argument.strip().partition(" ")
    name, value, *_ = *_APART.split(said.strip(), maxsplit=1), ""
    if kind != ENGINE or name in GenerationOptions.__struct_fields__ or value == DEFAULT:
        return ""
    near = nearest(name, GenerationOptions.__struct_fields__)
    meant = f"did you mean {near}?" if near else "one that has none such says so with its answer"
    return f"{name} is no option that all models have; {meant}"


def lines(wishes: Wishes) -> list[str]:
    """What is set, a line each."""
    named = {field: name for name, field in reversed(OF_OPTIONS.items())}
    usual, options = GenerationOptions(), wishes.options
    fields = [name for name in GenerationOptions.__struct_fields__ if name != "extra"]
    given = [
        (named.get(one, f"{ENGINE} {one}"), getattr(options, one), getattr(usual, one)) for one in fields
    ]
    given += [(name, getattr(wishes, name), getattr(Wishes(), name)) for name in OF_WISHES]
    said = [f"{name} {shown(value)}" for name, value, usual in given if value != usual]
    return said + [f"{ENGINE} {name} {shown(value)}" for name, value in options.extra.items()]


def _read(name: str, field: str, value: str, usual: object) -> Any:
    if value == DEFAULT:
        return getattr(usual, field)
    value = unquoted(value)
    reader = _Reader(add_help=False)
    add_sampling(reader)
    add_form(reader)
    add_prefill(reader)
    add_thinking(reader)
    arguments.add_running(reader)
    arguments.add_routing(reader)
    return getattr(reader.parse_args([f"--{name.replace('_', '-')}={value}"]), field)


def _with_option(wishes: Wishes, text: str) -> Wishes:
    """With `NAME VALUE` or `NAME=VALUE` of the engine, or of a field without an option of its own."""
    name, value, *_ = *_APART.split(text, maxsplit=1), ""
    if not name or not value:
        fail(Code.BAD_REQUEST, f"{text!r} is no option with a value", f"/set {ENGINE} NAME VALUE")
    options, usual = wishes.options, GenerationOptions()
    if name in GenerationOptions.__struct_fields__ and name != "extra":  # what was said of it before goes
        options = msgspec.structs.replace(options, **{name: getattr(usual, name)})
    extra = {other: said for other, said in options.extra.items() if other != name}
    if value != DEFAULT:
        try:
            text = unquoted(value)
            extra |= {name: text} if text != value else dict([pair(f"{name}={value}")])
        except argparse.ArgumentTypeError as error:
            fail(Code.BAD_REQUEST, str(error), f"/set {ENGINE} NAME VALUE")
    return msgspec.structs.replace(wishes, options=in_fields(msgspec.structs.replace(options, extra=extra)))


def _with_options(wishes: Wishes, **fields: Any) -> Wishes:
    return msgspec.structs.replace(wishes, options=msgspec.structs.replace(wishes.options, **fields))
