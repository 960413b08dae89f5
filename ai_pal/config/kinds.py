"""Kinds of settings that a type cannot say, such as durations: said with a field, and read from it."""

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import Meta
from msgspec.structs import FieldInfo

DURATION = "duration"
PATH = "path"
SIZE = "size"

SECRET = "secret"  # noqa: S105 - a kind of setting
"""A text of which settings only know whether it is there."""

URL = "url"
"""Where a server is: http or https, and a host. Empty is its usual place."""


def a_duration(description: str, *, zero: bool = True, **limits: Any) -> Meta:
    """Seconds, written as `10m`."""
    return Meta(description=description, extra={"kind": DURATION, "zero": zero}, **limits)


def a_size(description: str, **limits: Any) -> Meta:
    """Bytes, written as `8GB`."""
    return Meta(description=description, extra={"kind": SIZE}, **limits)


def a_path(description: str) -> Meta:
    """A file or a folder; `~` is the user's home."""
    return Meta(description=description, extra={"kind": PATH})


def meta_of(info: FieldInfo) -> Meta:
    """The `Meta` of a field, through `X | None`."""
    for part in (info.type, *get_args(info.type)):
        for item in getattr(part, "__metadata__", ()):
            if isinstance(item, Meta):
                return item
    raise TypeError(f"{info.name} has no description")


def kind_of(info: FieldInfo) -> str:
    """`DURATION`, `PATH`, `SIZE`, or "" for plain values."""
    return str((meta_of(info).extra or {}).get("kind", ""))


def allows_zero(info: FieldInfo) -> bool:
    """Whether a duration may be no time at all."""
    return bool((meta_of(info).extra or {}).get("zero", True))


def base_type(info: FieldInfo) -> Any:
    """The plain type of a field: `int` of `Annotated[int, ...] | None`, `dict` of `dict[str, str]`."""
    kind = info.type
    while True:
        inner = [part for part in get_args(kind) if part is not type(None)]
        origin = get_origin(kind)
        if origin in (Annotated, Union, UnionType):
            kind = inner[0]
        else:
            return str if origin is Literal else origin or kind
