"""`-p NAME`: what a preset says, where the command line says nothing. No I/O."""

import argparse

import msgspec

from ai_pal.config.presets import Preset
from ai_pal.errors import Code, fail
from ai_pal.protocol.options import Grammar, JsonObject, JsonSchema, ResponseFormat

_SAME = (
    "model",
    "system",
    "temperature",
    "top_p",
    "max_tokens",
    "seed",
    "stop",
    "top_k",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "repeat_penalty",
    "thinking",
    "thinking_budget",
    "prefill",
    "context",
    "goal",
    "max_cost",
)
"""Fields that are called as the options are."""


def apply(preset: Preset, args: argparse.Namespace) -> None:
    """Fill in what `args` leave out. A preset that is local-only cannot be made less so: a flag only adds.
    Raises `AiPalError` (`config_invalid`)."""
    options = dict(args.option)
    for name in _SAME:
        value = getattr(preset, name)
        if value is not None and name not in options and _is_left_out(name, args):
            setattr(args, name, value)
    if args.response_format is None:
        args.response_format = _form(preset)
    args.local_only = args.local_only or bool(preset.local_only)
    kept = {
        name: value
        for name, value in (preset.options or {}).items()
        if not hasattr(args, name) or _is_left_out(name, args)  # by an option of its own it was said last
    }
    args.option = list({**kept, **options}.items())


def given(args: argparse.Namespace) -> Preset:
    """The preset that the options of a command line describe."""
    said = {name: getattr(args, name) for name in _SAME if not _is_left_out(name, args)}
    match args.response_format:
        case Grammar(grammar=text):
            said["grammar"] = text
        case JsonSchema(schema=schema):
            said["schema"] = msgspec.json.encode(schema).decode()
        case JsonObject():
            said["schema"] = '{"type": "object"}'
    return Preset(**said, local_only=args.local_only or None, options=dict(args.option) or None)


def _form(preset: Preset) -> ResponseFormat | None:
    """What binds the answer, if anything does."""
    if preset.schema is None:
        return None if preset.grammar is None else Grammar(preset.grammar)
    from ai_pal.cli.chat.form_files import schema

    try:
        return schema(preset.schema)
    except argparse.ArgumentTypeError as error:
        fail(Code.CONFIG_INVALID, f"in this preset: {error}", "ai-pal preset set NAME --schema FILE")


def _is_left_out(name: str, args: argparse.Namespace) -> bool:
    """An empty system prompt is said: there is to be none."""
    value = getattr(args, name)
    return value is None or (name != "system" and value in ("", []))
