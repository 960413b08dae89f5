"""`-p NAME`: what a preset says, where the command line says nothing. No I/O."""

import argparse

from ai_pal.config.presets import Preset

_SAME = (
    "model",
    "system",
    "temperature",
    "top_p",
    "max_tokens",
    "seed",
    "stop",
    "context",
    "goal",
    "max_cost",
)
"""Fields that are called as the options are."""


def apply(preset: Preset, args: argparse.Namespace) -> None:
    """Fill in what `args` leave out. A preset that is local-only cannot be made less so: a flag only adds."""
    for name in _SAME:
        value = getattr(preset, name)
        if value is not None and _is_left_out(name, args):
            setattr(args, name, value)
    args.local_only = args.local_only or bool(preset.local_only)
    args.option = list({**(preset.options or {}), **dict(args.option)}.items())


def given(args: argparse.Namespace) -> Preset:
    """The preset that the options of a command line describe."""
    said = {name: getattr(args, name) for name in _SAME if not _is_left_out(name, args)}
    return Preset(**said, local_only=args.local_only or None, options=dict(args.option) or None)


def _is_left_out(name: str, args: argparse.Namespace) -> bool:
    """An empty system prompt is said: there is to be none."""
    value = getattr(args, name)
    return value is None or (name != "system" and value in ("", []))
