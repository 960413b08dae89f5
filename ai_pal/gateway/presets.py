"""A preset's name in the place of a model's: what it says holds where the request says nothing. A model of
that name goes first."""

from typing import Any

import msgspec

from ai_pal.catalog import CATALOG
from ai_pal.catalog.known import is_own
from ai_pal.catalog.spelling import LATEST
from ai_pal.client.asking import Asking
from ai_pal.config import load_settings, presets
from ai_pal.config.presets import OF_OPTIONS, Preset, load_preset
from ai_pal.errors import AiPalError
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions, Grammar, JsonSchema, ResponseFormat
from ai_pal.protocol.requests import NO_COMPLETION

_SAME = tuple(name for name in OF_OPTIONS if name != "options")
"""Options that are called alike in both."""


def named(model: str | None) -> str:
    """The preset that is meant by this name of a model, empty where none is."""
    name = (model or "").strip().removesuffix(LATEST)
    try:
        there = bool(name) and presets.place(name).is_file()
    except AiPalError:  # it can be no name of a preset
        return ""
    if not there or name in CATALOG or is_own(name, load_settings().settings):
        return ""
    return name


def meant(model: str) -> str:
    """The model that is asked by this name. Raises `AiPalError` (`config_invalid`)."""
    return (load_preset(name).model or "") if (name := named(model)) else model


def every() -> list[tuple[str, Preset]]:
    """Those that can be asked, by their names; one that cannot be read is none."""
    found = []
    for name in presets.names():
        try:
            if named(name):
                found.append((name, load_preset(name)))
        except AiPalError:
            continue
    return found


def of_chat(messages: list[Message], how: Asking) -> tuple[list[Message], Asking]:
    """A conversation and how it is asked, with what the preset says of it. Raises `AiPalError`."""
    if not (name := named(how.get("model"))):
        return messages, how
    preset = load_preset(name)
    asking: dict[str, Any] = {**how, **_over(preset, how)}
    if preset.local_only:
        asking["local_only"] = True
    for bound in ("goal", "max_cost"):
        if asking.get(bound) is None and (value := getattr(preset, bound)) is not None:
            asking[bound] = value
    return _behind(preset.system, messages), asking  # type: ignore[return-value]


def of_count(messages: list[Message], how: dict[str, Any]) -> tuple[list[Message], dict[str, Any]]:
    """The same for what its tokens are counted of. Raises `AiPalError`."""
    if not (name := named(how.get("model"))):
        return messages, how
    preset = load_preset(name)
    return _behind(preset.system, messages), {**how, **_over(preset, how)}


def of_text(how: dict[str, Any]) -> dict[str, Any]:
    """How a text is gone on with, which has neither turns nor a template. Raises `AiPalError`."""
    if not (name := named(how.get("model"))):
        return how
    said = _over(load_preset(name), how)
    return {**how, **{name: value for name, value in said.items() if name not in NO_COMPLETION}}


def form_of(preset: Preset) -> ResponseFormat | None:
    """What binds an answer, if anything does."""
    if preset.schema is not None:
        return JsonSchema(msgspec.json.decode(preset.schema))
    return None if preset.grammar is None else Grammar(preset.grammar)


def options_of(preset: Preset) -> GenerationOptions:
    """The options of an answer that it says."""
    said = {name: value for name in _SAME if (value := getattr(preset, name)) is not None}
    return GenerationOptions(**said, response_format=form_of(preset), extra=preset.options or {})


def _over(preset: Preset, how: Any) -> dict[str, Any]:
    """What the preset says of what the request leaves open."""
    said = {name: getattr(preset, name) for name in _SAME} | {"response_format": form_of(preset)}
    unsaid = {
        name: value
        for name, value in said.items()
        if value is not None and how.get(name) in (None, "", [], {})
    }
    extra = {**(preset.options or {}), **(how.get("extra") or {})}
    return {**unsaid, "extra": extra or None, "model": preset.model or ""}


def _behind(system: str | None, messages: list[Message]) -> list[Message]:
    """Behind the preset's system prompt, unless the request has one of its own."""
    if not system or any(message.role == "system" for message in messages):
        return messages
    return [Message("system", system), *messages]
