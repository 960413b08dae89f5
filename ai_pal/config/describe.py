"""Settings for people: rows for `config show`, and the table in docs/settings.md."""

from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, fields

from ai_pal.config.durations import format_duration
from ai_pal.config.load import PREFIX, Loaded
from ai_pal.config.settings import DURATION, PATH, SIZE, ModelSettings, Settings, kind_of, meta_of
from ai_pal.config.sizes import format_size


class Row(NamedTuple):
    """One setting in force."""

    name: str
    value: Any
    text: str
    origin: str
    about: str


def rows(loaded: Loaded) -> list[Row]:
    """Every setting in force, `models.NAME.FIELD` last."""
    found = [_row(info, loaded.settings, "", loaded) for info in fields(Settings) if info.name != "models"]
    for name, model in loaded.settings.models.items():
        mine = [_row(info, model, f"models.{name}.", loaded) for info in fields(ModelSettings)]
        found += [row for row in mine if row.value is not None]
    return found


def markdown_table(struct: type[msgspec.Struct]) -> str:
    """The Markdown table of all fields of `Settings` or `ModelSettings`."""
    lines = ["| setting | type | default | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{info.name}` | {_type_name(info)} | {_default(info)} | {meta_of(info).description} |"
        for info in fields(struct)
    ]
    return "\n".join(lines) + "\n"


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def _row(info: FieldInfo, struct: msgspec.Struct, prefix: str, loaded: Loaded) -> Row:
    name, value = prefix + info.name, getattr(struct, info.name)
    origin = loaded.origins.get(name, "default")
    return Row(name, value, _text(info, value), origin, meta_of(info).description or "")


def _text(info: FieldInfo, value: Any) -> str:
    if kind_of(info) == DURATION and value is not None:
        return format_duration(value)
    if kind_of(info) == SIZE:
        return format_size(value)
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _default(info: FieldInfo) -> str:
    if info.default in (None, "", (), msgspec.NODEFAULT):
        return ""
    return f"`{_text(info, info.default)}`"


def _type_name(info: FieldInfo) -> str:
    if kind := kind_of(info):
        return {DURATION: "duration", PATH: "path", SIZE: "size"}[kind]
    bare = next((part for part in get_args(info.type) if part is not type(None)), info.type)
    bare = get_args(bare)[0] if get_origin(bare) is Annotated else bare
    if get_origin(bare) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(bare))
    if get_origin(bare) is tuple:
        return "list of texts"
    return {bool: "true or false", int: "number", float: "number", str: "text"}.get(bare, "tables")
