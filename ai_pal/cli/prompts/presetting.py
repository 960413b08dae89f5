"""`-p NAME`: what a preset says, where the command line says nothing. No I/O."""

import argparse
from collections.abc import Sequence

import msgspec

from ai_pal.cli.prompts.wishes import Wishes
from ai_pal.config.presets import Example, Preset
from ai_pal.errors import Code, fail
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions, Grammar, JsonObject, JsonSchema, ResponseFormat

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
    """Fill in what `args` leave out. How far a preset lets a prompt go is not widened: a flag
    only makes it stricter.
    Raises `AiPalError` (`config_invalid`)."""
    options = dict(args.option)
    for name in _SAME:
        value = getattr(preset, name)
        if value is not None and name not in options and _is_left_out(name, args):
            setattr(args, name, value)
    if args.response_format is None:
        args.response_format = _form(preset)
    args.local_only = args.local_only or bool(preset.local_only)
    args.mine = args.mine or bool(preset.mine)
    kept = {
        name: value
        for name, value in (preset.options or {}).items()
        if not hasattr(args, name) or _is_left_out(name, args)  # by an option of its own it was said last
    }
    args.option = list({**kept, **options}.items())


def examples_of(preset: Preset) -> list[Message]:
    """What goes before a conversation."""
    return [Message(one.role, one.content) for one in preset.messages or ()]


def given(args: argparse.Namespace) -> Preset:
    """The preset that the options of a command line describe."""
    said = {name: getattr(args, name) for name in _SAME if not _is_left_out(name, args)}
    said |= _as_text(args.response_format)
    levels = {"local_only": args.local_only or None, "mine": args.mine or None}
    return Preset(**said, **levels, options=dict(args.option) or None)


def of_conversation(wishes: Wishes, system: str | None, examples: Sequence[Message] = ()) -> Preset:
    """The preset of what is set in a conversation: what is as usual is left out."""
    usual, options = GenerationOptions(), wishes.options
    names = [name for name in _SAME if name in GenerationOptions.__struct_fields__]
    said = {name: getattr(options, name) for name in names if getattr(options, name) != getattr(usual, name)}
    said |= _as_text(options.response_format)
    return Preset(
        **said,
        model=wishes.model or None,
        system=system,
        local_only=wishes.local_only or None,
        mine=wishes.mine or None,
        goal=wishes.goal or None,
        max_cost=wishes.max_cost,
        options=dict(options.extra) or None,
        messages=[Example(one.role, one.text) for one in examples] or None,  # type: ignore[arg-type]
    )


def _as_text(form: ResponseFormat | None) -> dict[str, str]:
    """What binds an answer, as the field of a preset."""
    match form:
        case Grammar(grammar=text):
            return {"grammar": text}
        case JsonSchema(schema=schema):
            return {"schema": msgspec.json.encode(schema).decode()}
        case JsonObject():
            return {"schema": '{"type": "object"}'}
    return {}


def _form(preset: Preset) -> ResponseFormat | None:
    """What binds the answer, if anything does."""
    if preset.schema is None:
        return None if preset.grammar is None else Grammar(preset.grammar)
    from ai_pal.cli.prompts.form_files import schema

    try:
        return schema(preset.schema)
    except argparse.ArgumentTypeError as error:
        fail(Code.CONFIG_INVALID, f"in this preset: {error}", "ai-pal preset set NAME --schema FILE")


def _is_left_out(name: str, args: argparse.Namespace) -> bool:
    """An empty system prompt is said: there is to be none."""
    value = getattr(args, name)
    return value is None or (name != "system" and value in ("", []))
