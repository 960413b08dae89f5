"""Changes to the config file that keep its comments, order and formatting: checked, then written whole."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import FieldInfo, fields

from ai_pal.config import paths
from ai_pal.config.checks import switched
from ai_pal.config.dotted import dotted
from ai_pal.config.kinds import DURATION, SECRET, SIZE, URL, base_type, kind_of
from ai_pal.config.load import check_text
from ai_pal.config.settings import TABLE, TABLES, Settings
from ai_pal.config.tables import has_password
from ai_pal.config.toml_lines import KeyLines, KeyPath
from ai_pal.config.whole_file import alone, write_whole
from ai_pal.errors import AiPalError, Code, fail, fail_to_write

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

BOM = "\ufeff"


class Key(NamedTuple):
    """A setting: where it stands in the file, and what it is."""

    path: KeyPath
    info: FieldInfo


class Changed(NamedTuple):
    """What became of a change; `line` is where it stands now, 0 where it does not."""

    file: Path
    line: int
    changed: bool


def key_of(name: str) -> Key:
    """The setting called `name`, as `config show` writes it. Raises `AiPalError` (`bad_request`)."""
    first, _, rest = name.partition(".")
    if first in TABLES:
        own, _, field = rest.rpartition(".")
        return Key((first, _bare(own, name), field), _field(TABLES[first], field, f"{first}.NAME.", name))
    if first in TABLE and rest:
        field, _, inside = rest.partition(".")
        info = _field(TABLE[first], field, f"{first}.", name)
        if (base_type(info) is dict) != bool(inside):
            fail(Code.BAD_REQUEST, f"{name} is not one setting", f"write {first}.{field}.NAME")
        return Key((first, field, _bare(inside, name)) if inside else (first, field), info)
    if first in TABLE:
        fail(Code.BAD_REQUEST, f"{name} is a table of settings", f"name one of them: {name}.FIELD")
    return Key((name,), _field(Settings, name, "", name))


def set_values(pairs: Mapping[str, str | None], environ: Mapping[str, str] = os.environ) -> Changed:
    """Set settings to what the texts say (None: take it out of the file), all or none. Raises `AiPalError`:
    `bad_request` (no such setting, or a secret), `config_invalid` (no such value; the file stays as it is),
    `file_unreadable`."""
    values = {
        path: value
        for name, text in pairs.items()
        for path, value in [_said(name, text) if text is not None else (key_of(name).path, None)]
    }

    def put(document: "TOMLDocument") -> None:
        for path, value in values.items():
            if value is None:
                _take(document, path)
            else:
                _put(document, path, value)

    return change(put, next(iter(values)), environ)


def _said(name: str, text: str) -> tuple[KeyPath, Any]:
    """Where a setting stands, and its value in TOML. Raises `AiPalError`."""
    key = key_of(name)
    if kind_of(key.info) == SECRET:
        hint = f"ai-pal keys set {key.path[1]}; or ai-pal config edit"
        fail(Code.BAD_REQUEST, "keys are not given as arguments: everybody on this machine sees those", hint)
    if kind_of(key.info) == URL and has_password(text):
        fail(
            Code.BAD_REQUEST,
            "this address holds a password, and everybody on this machine sees arguments",
            "write it with: ai-pal config edit",
        )
    return key.path, _value(key.info, text, name)


def unset_value(name: str, environ: Mapping[str, str] = os.environ) -> Changed:
    """Take a setting out of the file, or the whole table `models.NAME`. Raises `AiPalError`."""
    first, _, own = name.partition(".")
    known = [info.name for info in fields(TABLES[first])] if first in TABLES else []
    whole = bool(known and own) and own.rpartition(".")[2] not in known
    path = (first, _bare(own, name)) if whole else key_of(name).path
    return change(lambda document: _take(document, path), path, environ)


def change(
    edit: Callable[["TOMLDocument"], None], path: KeyPath, environ: Mapping[str, str] = os.environ
) -> Changed:
    """Let `edit` change the document at `path`, and nothing else. Raises `AiPalError`."""
    import tomllib

    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    file = paths.config_file(environ)
    try:
        with alone(file.parent):
            before = _whole_lines(read_text(file))
            check_text(file, before)
            try:
                document = tomlkit.parse(before)
                edit(document)
                after = document.as_string()
                expected = document.unwrap()
                faithful = _same(tomllib.loads(after), expected)
            except (TOMLKitError, ValueError, KeyError, TypeError):
                faithful, after = False, before
            if not faithful:
                what = f"{file} is written in a way that cannot be changed at {dotted(*path)}"
                fail(Code.CONFIG_INVALID, what, "change it yourself: ai-pal config edit")
            _check_change(file, after, path)
            if after != before:
                write_text(file, after)
    except OSError as error:
        fail_to_write(file, error, "check its folder")
    line = KeyLines(after).of(path) if _there(expected, path) else 0
    return Changed(file, line, after != before)


def read_text(file: Path) -> str:
    """The text of the config file as it stands, without a byte order mark; empty where there is none.
    Raises OSError, `AiPalError`."""
    try:
        return file.read_bytes().decode().removeprefix(BOM)
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        fail(Code.CONFIG_INVALID, f"{file}: not UTF-8 text (byte {error.start})", "save the file as UTF-8")


def _whole_lines(text: str) -> str:
    """`text` with an end to its last line: tomlkit would go on in it."""
    return text if not text or text.endswith("\n") else f"{text}\n"


def write_text(file: Path, text: str) -> None:
    """Write the config file, whole and for its owner only. Raises OSError."""
    write_whole(file, text.encode())


def _check_change(file: Path, text: str, path: KeyPath) -> None:
    """Raises `AiPalError` (`config_invalid`), without the line of a text that is not written."""
    try:
        check_text(file, text)
    except AiPalError as error:
        message = re.sub(rf"^{re.escape(str(file))}(:\d+)?: ", "", error.failure.message)
        hint = error.failure.hint
        if not hint.startswith("did you"):
            together = (
                f"; set it with what belongs to it: {_both(path, hint)}" if "missing" in message else ""
            )
            hint = f"nothing is changed{together}"
        fail(Code.CONFIG_INVALID, message, hint)


def _both(path: KeyPath, hint: str) -> str:
    """The command that sets what is missing too, which `hint` names as it stands in the file."""
    lacking = re.match(r'write (\w+) = "([^"]*)"', hint)
    other = f"{dotted(*path[:-1], lacking[1])} {lacking[2]}" if lacking else "KEY VALUE"
    return f"ai-pal config set {dotted(*path)} VALUE {other}"


def _bare(own: str, name: str) -> str:
    """A name without the quotes that TOML wants around it."""
    bare = own[1:-1] if len(own) > 1 and own[0] == own[-1] and own[0] in "\"'" else own
    if not bare:
        first = name.partition(".")[0]
        fail(Code.BAD_REQUEST, f"{name!r} is no setting", f"write {first}.NAME.FIELD")
    return bare


def _field(struct: type, field: str, prefix: str, name: str) -> FieldInfo:
    """Raises `AiPalError` (`bad_request`) with the nearest name."""
    tables = {*TABLE, *TABLES} if struct is Settings else set()
    known = {info.name: info for info in fields(struct) if info.name not in tables}
    if field not in known:
        import difflib

        near = difflib.get_close_matches(field or name, known, n=1)
        hint = f"did you mean {prefix}{near[0]}?" if near else "see: ai-pal config show --describe"
        fail(Code.BAD_REQUEST, f"there is no setting {name!r}", hint)
    return known[field]


def _value(info: FieldInfo, text: str, name: str) -> Any:
    """What TOML has for `text`. Whether it is allowed, the check of the whole file says."""
    kind = base_type(info)
    try:
        if kind is bool:
            return switched(text)
        if kind is tuple:
            return [part.strip() for part in text.split(",") if part.strip()]
        if kind in (int, float) or kind_of(info) in (DURATION, SIZE):
            return _number(text, words=kind_of(info) in (DURATION, SIZE))
    except ValueError as error:
        fail(Code.CONFIG_INVALID, f"{name}: {error}", "see: ai-pal config show --describe")
    return text


def _number(text: str, *, words: bool) -> int | float | str:
    for parse in (int, float):
        try:
            return parse(text)
        except ValueError:
            continue
    if words:
        return text
    raise ValueError(f"{text!r} is not a number")


def _put(document: "TOMLDocument", path: KeyPath, value: Any) -> None:
    import tomlkit

    table: Any = document
    for depth, part in enumerate(path[:-1], 1):
        if part not in table:
            # A header for what has settings of its own, none for `[models]` around `[models.NAME]`.
            table[part] = tomlkit.table(is_super_table=path[0] in TABLES and depth == 1)
        table = table[part]
    now = table.get(path[-1])
    if now != value or type(getattr(now, "unwrap", lambda: now)()) is not type(value):
        table[path[-1]] = value


def _take(document: "TOMLDocument", path: KeyPath) -> None:
    table: Any = document
    for part in path[:-1]:
        if part not in table:
            return
        table = table[part]
    if path[-1] in table:
        del table[path[-1]]


def _same(left: Any, right: Any) -> bool:
    """Whether both say the same, but for tables without anything in them."""
    if isinstance(left, dict) and isinstance(right, dict):
        return all(_same(left.get(name, {}), right.get(name, {})) for name in {*left, *right})
    return bool(left == right)


def _there(document: Any, path: KeyPath) -> bool:
    for part in path:
        if not isinstance(document, dict) or part not in document:
            return False
        document = document[part]
    return True
