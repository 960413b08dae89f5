"""`/set NAME VALUE`: how answers are wanted, changed within a conversation. Values are read by the options of
`ai-pal chat`, so that both take and refuse the same. No I/O."""

import argparse
import re
from typing import Any, NoReturn

import msgspec

from ai_pal.cli.chat import arguments
from ai_pal.cli.chat.entry import nearest
from ai_pal.cli.chat.session import Wishes
from ai_pal.errors import Code, fail
from ai_pal.protocol.options import GenerationOptions

DEFAULT = "default"
"""The value that takes back what was set."""

OF_OPTIONS = ("temperature", "top_p", "max_tokens", "seed", "stop")
OF_WISHES = ("deadline", "keep_alive", "goal", "max_cost")
ENGINE = "option"
"""`/set option NAME VALUE` is for what only the engine knows."""

NAMES = (*OF_OPTIONS, *OF_WISHES, ENGINE)

_LEADS = ("parameter ", "--")
"""What may stand before a name, as other programs have it."""


_WINDOW = "/model NAME?context=N loads a model with a window of N tokens"
_ELSEWHERE = {
    "system": "/system TEXT sets the system prompt",
    "model": "/model NAME lets another answer",
    "local": "/local on keeps this conversation on this machine",
    "local_only": "/local on keeps this conversation on this machine",
    "context": _WINDOW,
    "num_ctx": _WINDOW,
    "num_predict": "did you mean max_tokens?",
}
"""What hands look for here, by the names that `ai-pal chat` and other programs have for it."""


class _Reader(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        fail(Code.BAD_REQUEST, message.removeprefix("argument --"), "see: ai-pal chat --help")


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
        return _with_options(wishes, extra=_extra(wishes.options.extra, value))
    if name in OF_OPTIONS:
        return _with_options(wishes, **{name: _read(name, value, GenerationOptions())})
    return msgspec.structs.replace(wishes, **{name: _read(name, value, Wishes())})


def lines(wishes: Wishes) -> list[str]:
    """What is set, a line each."""
    given = [(name, getattr(wishes.options, name), getattr(GenerationOptions(), name)) for name in OF_OPTIONS]
    given += [(name, getattr(wishes, name), getattr(Wishes(), name)) for name in OF_WISHES]
    said = [f"{name} {_shown(value)}" for name, value, usual in given if value != usual]
    return said + [f"{ENGINE} {name} {_shown(value)}" for name, value in wishes.options.extra.items()]


def _read(name: str, value: str, usual: object) -> Any:
    if value == DEFAULT:
        return getattr(usual, name)
    reader = _Reader(add_help=False)
    arguments.add_sampling(reader)
    arguments.add_running(reader)
    arguments.add_routing(reader)
    return getattr(reader.parse_args([f"--{name.replace('_', '-')}={value}"]), name)


def _extra(extra: dict[str, Any], text: str) -> dict[str, Any]:
    """With `NAME VALUE` or `NAME=VALUE` of the engine."""
    name, value, *_ = *re.split(r"\s*=\s*|\s+", text, maxsplit=1), ""
    if not name or not value:
        fail(Code.BAD_REQUEST, f"{text!r} is no option with a value", f"/set {ENGINE} NAME VALUE")
    if value == DEFAULT:
        return {other: said for other, said in extra.items() if other != name}
    return extra | dict([arguments.pair(f"{name}={value}")])


def _with_options(wishes: Wishes, **fields: Any) -> Wishes:
    return msgspec.structs.replace(wishes, options=msgspec.structs.replace(wishes.options, **fields))


def _shown(value: object) -> str:
    return ", ".join(map(repr, value)) if isinstance(value, list) else str(value)
