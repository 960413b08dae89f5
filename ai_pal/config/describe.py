"""Settings for people: rows for `config show`, and the table in docs/settings.md."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, fields

from ai_pal.config.dotted import dotted
from ai_pal.config.durations import format_duration
from ai_pal.config.kinds import DURATION, PATH, SECRET, SIZE, URL, kind_of, meta_of
from ai_pal.config.load import PREFIX, LoadedSettings
from ai_pal.config.settings import TABLE, TABLES, Settings
from ai_pal.config.sizes import format_size
from ai_pal.config.tables import without_password


class Row(NamedTuple):
    """One setting in force."""

    name: str
    value: Any
    text: str
    origin: str
    about: str


def rows(loaded: LoadedSettings) -> list[Row]:
    """Every setting in force; those in tables last, `models.NAME.FIELD` and its like where they are set."""
    settings = loaded.settings
    found = [
        _row(info, settings, "", loaded) for info in fields(Settings) if info.name not in {*TABLE, *TABLES}
    ]
    for table, struct in TABLE.items():
        found += [_row(info, getattr(settings, table), f"{table}.", loaded) for info in fields(struct)]
    for table, struct in TABLES.items():
        for name, own in getattr(settings, table).items():
            mine = [_row(info, own, f"{dotted(table, name)}.", loaded) for info in fields(struct)]
            found += [row for row in mine if row.origin != "default"]
    return found


def row_of(path: Sequence[str], loaded: LoadedSettings) -> Row | None:
    """The setting at this place of the file, as it is in force; None where nothing is said of it."""
    found = {row.name: row for row in rows(loaded)}
    if row := found.get(dotted(*path)):
        return row
    around = found.get(dotted(*path[:-1]))  # one of the texts by name
    text = around.value.get(path[-1]) if around is not None and isinstance(around.value, dict) else None
    return (
        None if around is None or text is None else around._replace(name=dotted(*path), value=text, text=text)
    )


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


def _row(info: FieldInfo, struct: msgspec.Struct, prefix: str, loaded: LoadedSettings) -> Row:
    name, value = prefix + info.name, getattr(struct, info.name)
    if kind_of(info) == URL and value:
        value = without_password(value)
    origin = loaded.origins.get(name, "default")
    return Row(name, value, _text(info, value), origin, meta_of(info).description or "")


def _text(info: FieldInfo, value: Any) -> str:
    if kind_of(info) == DURATION and value is not None:
        return format_duration(value)
    if kind_of(info) == SIZE:
        return format_size(value)
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, dict):
        return ", ".join(f"{name} = {text}" for name, text in value.items())
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _default(info: FieldInfo) -> str:
    if info.default in (None, "", (), msgspec.NODEFAULT) or kind_of(info) == SECRET or info.name in TABLE:
        return ""
    return f"`{_text(info, info.default)}`"


def _type_name(info: FieldInfo) -> str:
    if kind := kind_of(info):
        return {DURATION: "duration", PATH: "path", SIZE: "size", SECRET: "text", URL: "text"}[kind]
    bare = next((part for part in get_args(info.type) if part is not type(None)), info.type)
    bare = get_args(bare)[0] if get_origin(bare) is Annotated else bare
    if get_origin(bare) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(bare))
    if get_origin(bare) is tuple:
        return "list of texts"
    return {
        bool: "true or false",
        int: "number",
        float: "number",
        str: "text",
        dict[str, str]: "texts by name",
    }.get(bare, "tables")
