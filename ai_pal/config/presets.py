"""Presets: a model, a system prompt and parameters under a name, each a TOML file of its own."""

import contextlib
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from ai_pal.config import paths
from ai_pal.config.model_names import SPELLING, is_name, short
from ai_pal.config.whole_file import alone, write_whole
from ai_pal.errors import AiPalError, Code, Failure, fail, fail_to_write
from ai_pal.protocol import request_rules
from ai_pal.protocol.option_rules import RULES, objection_to_value
from ai_pal.protocol.options import Thinking

SUFFIX = ".toml"
_INSIDE = {"/": "%2F", ":": "%3A"}
"""What may stand in a name and not in that of its file."""


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A turn that goes before every conversation, to show how answers are to be."""

    role: Literal["user", "assistant"]
    content: str


class Preset(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What an answer is asked with, unless it is said otherwise there. `options` are the engine's own,
    `context` tokens of the window, `max_cost` US dollars. `schema` is a JSON Schema as its text, `grammar`
    a GBNF grammar. `messages` go before the conversation. `licence` is what its maker says of it; `made_by`
    says that a program has made it over HTTP: programs may replace what programs have made."""

    model: str | None = None
    system: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: list[str] | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repeat_penalty: float | None = None
    thinking: Thinking | None = None
    thinking_budget: int | None = None
    prefill: str | None = None
    schema: str | None = None
    grammar: str | None = None
    context: int | None = None
    local_only: bool | None = None
    mine: bool | None = None
    goal: Literal["privacy", "cost", "latency", "quality", "balanced"] | None = None
    max_cost: float | None = None
    options: dict[str, Any] | None = None
    messages: list[Example] | None = None
    licence: str | None = None
    made_by: Literal["api"] | None = None


FIELDS = Preset.__struct_fields__
_OTHERWISE = {"options": "extra"}
OF_OPTIONS = tuple(name for name in FIELDS if _OTHERWISE.get(name, name) in RULES)
"""Fields that are options of an answer, and as `protocol.option_rules` has them."""

OF_REQUESTS = tuple(name for name in FIELDS if name in request_rules.RULES)
"""Those that a request has beside its options."""


def names(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The presets that there are, readable or not."""
    folder = paths.presets_dir(environ)
    try:
        found = [_name_of(file) for file in folder.iterdir() if file.name.endswith(SUFFIX)]
    except OSError:
        return []
    return sorted(name for name in found if is_name(name))


def named(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """The preset that is there under this name, in any case and with `:latest` or without; "" for none."""
    wanted, there = short(name), names(environ)
    if wanted in there:
        return wanted
    return next((one for one in there if one.lower() == wanted.lower()), "")


def place(name: str, environ: Mapping[str, str] = os.environ) -> Path:
    """The file of a preset, there or not. Raises `AiPalError` (`bad_request`): no name."""
    kept = named(name, environ) or short(name)
    if not is_name(kept):
        fail(Code.BAD_REQUEST, f"{name[:80]!r} can be no name of a preset", SPELLING)
    for sign, instead in _INSIDE.items():
        kept = kept.replace(sign, instead)
    return paths.presets_dir(environ) / f"{kept}{SUFFIX}"


def _name_of(file: Path) -> str:
    name = file.name.removesuffix(SUFFIX)
    for sign, instead in _INSIDE.items():
        name = name.replace(instead, sign)
    return name


def load_preset(name: str, environ: Mapping[str, str] = os.environ) -> Preset:
    """Raises `AiPalError`: `preset_not_found` (with the nearest name), `config_invalid`."""
    text = read_text(name, environ)
    if text is None:
        raise not_found(name, environ)
    return parse(text, str(place(name, environ)))


def not_found(name: str, environ: Mapping[str, str] = os.environ) -> AiPalError:
    """`preset_not_found` with the nearest name."""
    import difflib

    known = names(environ)
    near = difflib.get_close_matches(name, known, n=1)
    there = f"there are: {', '.join(known)}" if known else f"make one: ai-pal preset set {name} --system TEXT"
    hint = f"did you mean {near[0]}?" if near else there
    return AiPalError(Failure(Code.PRESET_NOT_FOUND, f"there is no preset {name!r}", hint))


def read_text(name: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The text of a preset's file; None where there is none. Raises `AiPalError` (`config_invalid`)."""
    file = place(name, environ)
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        fail(Code.CONFIG_INVALID, f"{file}: not UTF-8 text (byte {error.start})", "save the file as UTF-8")
    except OSError as error:
        fail(Code.CONFIG_INVALID, f"{file}: {error.strerror}", "make the file readable")


def parse(text: str, where: str) -> Preset:
    """The preset that `text` describes. Raises `AiPalError` (`config_invalid`) that names `where`."""
    import tomllib

    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        fail(Code.CONFIG_INVALID, f"{where}: {error}", "correct the file; it is TOML (https://toml.io)")
    for name in found:
        if name not in FIELDS:
            import difflib

            near = difflib.get_close_matches(name, FIELDS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(FIELDS)}"
            fail(Code.CONFIG_INVALID, f"{where}: a preset has no field {name!r}", hint)
    return _checked(found, where)


def save_fields(
    name: str, given: Preset, drop: Collection[str], environ: Mapping[str, str] = os.environ
) -> Preset:
    """Set the fields that `given` says and take out those in `drop`; the rest of the file stays as it is.
    Whoever changes a preset has made it from then on.

    Raises `AiPalError` (`config_invalid`, `file_unreadable`)."""
    import tomlkit

    file = place(name, environ)
    with _explained(file), alone(file.parent):
        before = read_text(name, environ) or ""
        parse(before, str(file))
        document = tomlkit.parse(before)
        for field in (*drop, "made_by"):
            document.pop(field, None)
        for field, value in msgspec.to_builtins(given).items():
            document[field] = tomlkit.string(value, multiline=True) if _is_long(value) else value
        text = document.as_string()
        whole = parse(text, str(file))
        write_whole(file, text.encode())
    return whole


def write_text(name: str, text: str, environ: Mapping[str, str] = os.environ) -> None:
    """Write a preset's file, whole and for its owner only. Raises `AiPalError` (`file_unreadable`)."""
    file = place(name, environ)
    with _explained(file), alone(file.parent):
        write_whole(file, text.encode())


def remove(name: str, environ: Mapping[str, str] = os.environ) -> None:
    """Raises `AiPalError` (`preset_not_found`, `file_unreadable`)."""
    file = place(name, environ)
    if not file.exists():
        raise not_found(name, environ)
    with _explained(file):
        file.unlink()


def kept_by_hand(name: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether there is a preset of this name that no program may replace: one that a person has made or
    changed, or that cannot be read."""
    if not named(name, environ):
        return False
    try:
        text = read_text(name, environ)
        return text is not None and parse(text, name).made_by is None
    except AiPalError:
        return True


@contextlib.contextmanager
def _explained(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        fail_to_write(file, error, "check its folder")


def _is_long(value: object) -> bool:
    return isinstance(value, str) and "\n" in value


def _checked(found: dict[str, Any], where: str) -> Preset:
    for name, value in found.items():
        if name in OF_OPTIONS:
            why = objection_to_value(_OTHERWISE.get(name, name), value)
        else:
            why = request_rules.objection_to_field(name, value) if name in OF_REQUESTS else ""
        if why:
            fail(Code.CONFIG_INVALID, f"{where}: {why}", "see: ai-pal preset --help")
    try:
        return msgspec.convert(found, Preset)
    except msgspec.ValidationError as error:
        fail(Code.CONFIG_INVALID, f"{where}: {error}", "see: ai-pal preset --help")
