"""Kinds of settings that a type cannot say: durations and sizes are written as texts, paths are expanded."""

from typing import Any

from msgspec import Meta

DURATION = "duration"
PATH = "path"
SIZE = "size"


def a_duration(description: str, *, zero: bool = True, **limits: Any) -> Meta:
    """Seconds, written as `10m`."""
    return Meta(description=description, extra={"kind": DURATION, "zero": zero}, **limits)


def a_size(description: str, **limits: Any) -> Meta:
    """Bytes, written as `8GB`."""
    return Meta(description=description, extra={"kind": SIZE}, **limits)


def a_path(description: str) -> Meta:
    """A file or a folder; `~` is the user's home."""
    return Meta(description=description, extra={"kind": PATH})
