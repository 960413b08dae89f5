"""Settings from the file, then the environment, then flags; each value knows where it came from."""

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec
from msgspec.structs import FieldInfo, fields

from ai_pal.config import paths
from ai_pal.config.checks import checked_url, choices, mistake_in, mistake_of_all, price_mistake, switched
from ai_pal.config.dotted import dotted
from ai_pal.config.durations import parse_duration
from ai_pal.config.kinds import DURATION, PATH, SECRET, SIZE, URL, allows_zero, base_type, kind_of
from ai_pal.config.settings import FILE_ONLY, TABLE, TABLES, Settings
from ai_pal.config.sizes import parse_size
from ai_pal.errors import Code, fail
from ai_pal.protocol.value_rules import in_words

PREFIX = "AI_PAL_"
_ALIASES = {"AI_PAL_MODEL_CACHE": "model_cache_dir"}
_RESERVED = (
    *("AI_PAL_CONFIG", "AI_PAL_HOME", "AI_PAL_KEY_"),
    *("AI_PAL_TEST_", "AI_PAL_CHAOS_", "AI_PAL_FUZZ_"),
)
_FIELDS = {info.name: info for info in fields(Settings)}
_SIMPLE = [name for name in _FIELDS if name not in TABLE and name not in TABLES]
_NESTED = {
    (table, info.name): info
    for table, struct in TABLE.items()
    if table not in FILE_ONLY
    for info in fields(struct)
}
_VARIABLES = {PREFIX + name.upper(): name for name in _SIMPLE} | _ALIASES
_NESTED_VARIABLES = {f"{PREFIX}{table}_{name}".upper(): (table, name) for table, name in _NESTED}


class LoadedSettings(NamedTuple):
    """`origins` maps a setting's name to "default", "config.toml:12", "AI_PAL_THREADS" or "--threads"."""

    settings: Settings
    origins: dict[str, str]


def load_settings(
    overrides: Mapping[str, Any] | None = None, environ: Mapping[str, str] = os.environ
) -> LoadedSettings:
    """The settings in force; `overrides` come from flags, None values are left out.

    Raises `AiPalError` (`config_invalid`) that names the file and line, the variable or the flag.
    """
    values: dict[str, Any] = {"model_cache_dir": str(paths.model_cache_dir(environ))}
    origins = dict.fromkeys(_SIMPLE, "default")
    _apply_file(values, origins, environ)
    _apply_environment(values, origins, environ)
    _apply_overrides(values, origins, overrides or {})
    settings = _whole(values)
    if mistake := mistake_of_all(settings):
        where = origins.get(mistake.setting, str(paths.config_file(environ)))
        fail(Code.CONFIG_INVALID, f"{where}: {mistake.message}", mistake.hint)
    return LoadedSettings(settings, origins)


def _whole(values: dict[str, Any]) -> Settings:
    return Settings(**values | {name: struct(**values.get(name, {})) for name, struct in TABLE.items()})


def _apply_file(values: dict[str, Any], origins: dict[str, str], environ: Mapping[str, str]) -> None:
    file = paths.config_file(environ)
    text = _read(file, required=bool(environ.get("AI_PAL_CONFIG")))
    if text is not None:
        values |= _from_file(file, text, origins)


def check_text(file: Path, text: str) -> None:
    """Raises `AiPalError` (`config_invalid`) unless `file` could hold this text."""
    mistake = mistake_of_all(_whole(_from_file(file, text, {})))
    if mistake is not None:
        fail(Code.CONFIG_INVALID, f"{file}: {mistake.message}", mistake.hint)


def _from_file(file: Path, text: str, origins: dict[str, str]) -> dict[str, Any]:
    import tomllib  # not at the top: most people have no file, and every chat starts here

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        fail(Code.CONFIG_INVALID, f"{file}: {error}", "correct the file; it is TOML (https://toml.io)")
    reader = _FileReader(file, text, origins)
    tables = {name: document.pop(name, {}) for name in (*TABLE, *TABLES)}
    values = reader.table(document, _FIELDS, ())
    values |= {name: reader.one(name, tables[name], struct) for name, struct in TABLE.items()}
    return values | {name: reader.named(name, tables[name], struct) for name, struct in TABLES.items()}


def _read(file: Path, required: bool) -> str | None:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        if required:
            fail(
                Code.CONFIG_INVALID,
                f"AI_PAL_CONFIG: there is no file {file}",
                "correct or unset AI_PAL_CONFIG",
            )
        return None
    except UnicodeDecodeError as error:
        fail(Code.CONFIG_INVALID, f"{file}: not UTF-8 text (byte {error.start})", "save the file as UTF-8")
    except OSError as error:
        fail(Code.CONFIG_INVALID, f"{file}: {error.strerror}", "make the file readable, or set AI_PAL_CONFIG")


class _FileReader:
    """Checks the tables of one config file and notes where each value stands."""

    def __init__(self, file: Path, text: str, origins: dict[str, str]) -> None:
        from ai_pal.config.toml_lines import KeyLines

        self._file = file
        self._lines = KeyLines(text)
        self._origins = origins

    def one(self, name: str, table: Any, struct: type[msgspec.Struct]) -> dict[str, Any]:
        """What is said in `[name]`."""
        if not isinstance(table, dict):
            self._refuse((name,), f"{name} is a table: write [{name}]")
        return self.table(table, {info.name: info for info in fields(struct)}, (name,))

    def named(self, name: str, tables: Any, struct: type[msgspec.Struct]) -> dict[str, msgspec.Struct]:
        """What is said in each `[name.NAME]`."""
        if not isinstance(tables, dict):
            self._refuse((name,), f"{name} holds tables: write [{name}.NAME]")
        known = {info.name: info for info in fields(struct)}
        found = {}
        for own, table in tables.items():
            if name == "prices" and (mistake := price_mistake(own)):
                self._refuse((name, own), mistake.message, mistake.hint)
            if not isinstance(table, dict):
                self._refuse((name, own), f"{dotted(name, own)} is a table: write [{dotted(name, own)}]")
            found[own] = setting = struct(**self.table(table, known, (name, own)))
            if mistake := mistake_in(own, setting):
                self._refuse((name, own), mistake.message, mistake.hint)
        return found

    def table(
        self, table: dict[str, Any], known: dict[str, FieldInfo], at: tuple[str, ...]
    ) -> dict[str, Any]:
        values = {}
        for name, raw in table.items():
            path = (*at, name)
            if name not in known:
                self._refuse(path, f"unknown setting {dotted(*path)!r}", _nearest(name, known))
            try:
                values[name] = _convert(raw, known[name], self._file.parent, strict=True)
            except ValueError as error:
                self._refuse(path, f"{dotted(*path)}: {error}")
            self._origins[dotted(*path)] = f"{self._file.name}:{self._lines.of(path)}"
        return values

    def _refuse(self, path: tuple[str, ...], message: str, hint: str = "") -> None:
        where = f"{self._file}:{self._lines.of(path)}"
        fail(
            Code.CONFIG_INVALID, f"{where}: {message}", hint or "see docs/settings.md or: ai-pal config show"
        )


def setting_variables() -> dict[str, str]:
    """The environment variables of settings, with their settings."""
    return _VARIABLES | {variable: ".".join(at) for variable, at in _NESTED_VARIABLES.items()}


def variables_in_force(origins: Mapping[str, str]) -> list[str]:
    """The environment variables that settings in force come from."""
    return sorted({origin for origin in origins.values() if origin.startswith(PREFIX)})


def unknown_variables(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Variables with our prefix that name no setting: other programs may own them."""
    return [name for name in _ours(environ) if name not in _VARIABLES and name not in _NESTED_VARIABLES]


def _apply_environment(values: dict[str, Any], origins: dict[str, str], environ: Mapping[str, str]) -> None:
    for variable in _ours(environ):
        text = environ[variable]
        if name := _VARIABLES.get(variable):
            values[name] = _from_text(text, _FIELDS[name], variable)
            origins[name] = variable
        elif at := _NESTED_VARIABLES.get(variable):
            values[at[0]] = values.get(at[0], {}) | {at[1]: _from_text(text, _NESTED[at], variable)}
            origins[".".join(at)] = variable
        elif hint := _meant(variable):
            fail(Code.CONFIG_INVALID, f"unknown variable {variable}", hint)


def _ours(environ: Mapping[str, str]) -> list[str]:
    """The variables that may name settings; an empty one counts as not set."""
    mine = [name for name in sorted(environ) if name.startswith(PREFIX) and environ[name]]
    return [name for name in mine if not name.startswith(_RESERVED)]


def _meant(variable: str) -> str:
    """What to write in the place of a variable that is surely a mistake: a near miss, or one for a table of
    the file. Empty for all others, which may be those of other programs."""
    if hint := _nearest(variable, [*_VARIABLES, *_NESTED_VARIABLES], cutoff=0.85):
        return hint
    name = variable.removeprefix(PREFIX).lower()
    for table in (*TABLE, *TABLES):
        if name == table or name.startswith(f"{table}_"):
            return f"write it in the config file, under [{table}{'.NAME' if table in TABLES else ''}]"
    return ""


def _apply_overrides(values: dict[str, Any], origins: dict[str, str], overrides: Mapping[str, Any]) -> None:
    for name, value in overrides.items():
        if value is None:
            continue
        flag = "--" + name.replace("_", "-")
        if name not in _SIMPLE:
            fail(Code.CONFIG_INVALID, f"unknown setting {name!r}", _nearest(name, _SIMPLE))
        values[name] = _from_text(value, _FIELDS[name], flag)
        origins[name] = flag


def _from_text(value: Any, info: FieldInfo, source: str) -> Any:
    if isinstance(value, str) and base_type(info) is tuple:
        value = [part.strip() for part in value.split(",") if part.strip()]
    try:
        if isinstance(value, str) and bool in get_args(info.type):
            return switched(value)
        return _convert(value, info, Path.cwd(), strict=False)
    except ValueError as error:
        fail(Code.CONFIG_INVALID, f"{source}: {error}", "see docs/settings.md or: ai-pal config show")


def _convert(raw: Any, info: FieldInfo, folder: Path, *, strict: bool) -> Any:
    """`raw` as the field's type. Raises ValueError (msgspec.ValidationError is one)."""
    kind = kind_of(info)
    if kind == DURATION:
        raw = parse_duration(raw)
        if raw == 0 and not allows_zero(info):
            raise ValueError("0 leaves no time for anything: write a time such as '20s', or -1 for no limit")
    if kind == SIZE:
        raw = parse_size(raw)
    if kind == SECRET:
        if not isinstance(raw, str):
            raise ValueError("Expected a text")  # and never the value itself
        raw = bool(raw.strip())
    value = _typed(raw, info, strict=strict)
    if kind == URL and value:
        value = checked_url(value)
    # normpath: "/a/../b" and "/b" are one file to the user and must be one setting to `digest`.
    return os.path.normpath(folder / paths.expanded(value)) if kind == PATH and value else value


def _typed(raw: Any, info: FieldInfo, *, strict: bool) -> Any:
    try:
        value = msgspec.convert(raw, info.type, strict=strict)
    except msgspec.ValidationError as error:
        more = f"; one of {', '.join(known)}" if (known := choices(info.type)) else ""
        raise ValueError(in_words(error) + more) from None
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{raw!r} is not a number that anything can be counted with")
    return value


def _nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    import difflib

    found = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f"did you mean {found[0]}?" if found else ""
