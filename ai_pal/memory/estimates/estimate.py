"""The estimate of each engine, by what its load does. The numbers without a source were measured."""

from pathlib import Path
from typing import Any

import msgspec

from ai_pal.memory.estimates import llamacpp, transformers
from ai_pal.memory.estimates.footprint import MIB, Footprint
from ai_pal.memory.estimates.window import Window, window
from ai_pal.memory.placement import Blocks
from ai_pal.protocol.worker import LoadModel

WORKER = 24 * MIB
"""A worker process with its messages and no engine."""


def estimate(load: LoadModel) -> Footprint:
    """Raises `AiPalError`, OSError or ValueError where the files are not what they should be: the
    worker will say it better, so callers may take `unknown` then."""
    match load.engine:
        case "llamacpp":
            return llamacpp.vocabulary(load) if load.vocabulary else llamacpp.estimate(load)
        case "transformers" if load.vocabulary:
            return transformers.vocabulary(load)
        case "transformers":
            return transformers.estimate(load)
        case "echo":
            return _echo(load.options)
        case _:
            return unknown(load)


def window_of(load: LoadModel) -> Window | None:
    """The window that this load gets; None where nobody can tell before it. Raises as `estimate`."""
    match load.engine:
        case "llamacpp":
            return llamacpp.window_of(load)
        case "transformers":
            return transformers.window_of(load)
        case _:
            return window(load.context, load.context) if load.context else None


def blocks_of(load: LoadModel) -> Blocks | None:
    """What of it could lie on a device; None where its engine knows of none. Raises as `estimate`."""
    match load.engine:
        case "llamacpp":
            return llamacpp.blocks(load)
        case "transformers":
            return transformers.blocks(load)
        case _:
            return None


def unknown(load: LoadModel) -> Footprint:
    """What can be said without looking inside: the files, and a process around them."""
    path = Path(load.path)
    files = [path] if path.is_file() else list(path.glob("*.*")) if load.path else []
    return Footprint(WORKER + sum(file.stat().st_size for file in files if file.is_file()))


def _echo(options: dict[str, Any]) -> Footprint:
    leak = msgspec.convert(options.get("leak_mb", 0), int, strict=False)
    return Footprint(WORKER + leak * MIB)
