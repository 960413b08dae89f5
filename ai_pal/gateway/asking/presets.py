"""A preset's name in the place of a model's: what it says holds where the request says nothing. A model of
that name goes first."""

import contextlib
from typing import Any

import msgspec

from ai_pal import catalog
from ai_pal.catalog.known.names import is_known, is_own
from ai_pal.catalog.references.spelling import spelled
from ai_pal.catalog.references.window import with_window
from ai_pal.client import AsyncClient
from ai_pal.client.asking import Asking
from ai_pal.config import load_settings, presets
from ai_pal.config.model_names import is_name, short
from ai_pal.config.presets import OF_OPTIONS, Preset, load_preset
from ai_pal.errors import AiPalError
from ai_pal.gateway.access.rights import KeyedClient
from ai_pal.gateway.asking.moot_form import without_moot_form
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions, Grammar, JsonSchema, ResponseFormat
from ai_pal.protocol.requests import NO_COMPLETION

_SAME = tuple(name for name in OF_OPTIONS if name != "options")
"""Options that are called alike in both."""


def named(model: str | None) -> str:
    """The preset that is meant by this name of a model, empty where none is."""
    wanted = short((model or "").strip())
    if not is_name(wanted) or is_known(wanted):  # few are presets: who asks for others waits for no folder
        return ""
    name = presets.named(wanted)
    return "" if not name or is_known(name) or is_own(name, load_settings().settings) else name


def meant(client: AsyncClient, model: str) -> str:
    """The model that is asked by this name. Raises `AiPalError`."""
    return _model(client, load_preset(name)) if (name := named(model)) else model


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


def loads() -> dict[str, str]:
    """What presets load that has options of its own, as the supervisor calls it, with the preset's name."""
    found: dict[str, str] = {}
    for name, preset in every():
        with contextlib.suppress(AiPalError):  # a provider's has no window of ours
            if "?" in (model := _reference(preset)):
                given, options = catalog.split(model)
                found[catalog.join(spelled(given, load_settings().settings), options)] = name
    return found


def of_chat(client: AsyncClient, messages: list[Message], how: Asking) -> tuple[list[Message], Asking]:
    """A conversation and how it is asked, with what the preset says of it. Raises `AiPalError`."""
    if not (name := named(how.get("model"))):
        return messages, without_moot_form(how)
    preset = load_preset(name)
    asking: dict[str, Any] = {**how, **_over(client, preset, how)}
    for level in ("local_only", "mine"):
        if getattr(preset, level):
            asking[level] = True
    for bound in ("goal", "max_cost"):
        if asking.get(bound) is None and (value := getattr(preset, bound)) is not None:
            asking[bound] = value
    return _behind(preset, messages), without_moot_form(asking)


def of_count(
    client: AsyncClient, messages: list[Message], how: dict[str, Any]
) -> tuple[list[Message], dict[str, Any]]:
    """The same for what its tokens are counted of. Raises `AiPalError`."""
    if not (name := named(how.get("model"))):
        return messages, without_moot_form(how)
    preset = load_preset(name)
    return _behind(preset, messages), without_moot_form({**how, **_over(client, preset, how)})


def of_text(client: AsyncClient, how: dict[str, Any]) -> dict[str, Any]:
    """How a text is gone on with, which has neither turns nor a template. Raises `AiPalError`."""
    if not (name := named(how.get("model"))):
        return how
    said = _over(client, load_preset(name), how)
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


def examples_of(preset: Preset) -> list[Message]:
    """What goes before each conversation."""
    return [Message(one.role, one.content) for one in preset.messages or ()]


def _model(client: AsyncClient, preset: Preset, wanted: int | None = None) -> str:
    """Its model as it is loaded. What its owner has said of it, any key may have. Raises `AiPalError`."""
    model = _reference(preset, wanted)
    if isinstance(client, KeyedClient):
        client.vouch(model)
    return model


def _reference(preset: Preset, wanted: int | None = None) -> str:
    """Its model, loaded with the window that it says, as in a terminal; who wants more than that (`wanted`)
    asks the model as it is. Raises `AiPalError`."""
    model = preset.model or ""
    if preset.context is None or (wanted or 0) > preset.context:
        return model
    settings = load_settings().settings
    return with_window(catalog.meant(model, settings) if model else "", preset.context, settings)


def _over(client: AsyncClient, preset: Preset, how: Any) -> dict[str, Any]:
    """What the preset says of what the request leaves open."""
    said = {name: getattr(preset, name) for name in _SAME} | {"response_format": form_of(preset)}
    unsaid = {
        name: value
        for name, value in said.items()
        if value is not None and how.get(name) in (None, "", [], {})
    }
    extra = {**(preset.options or {}), **(how.get("extra") or {})}
    model = _model(client, preset, how.get("context"))
    return {**unsaid, "extra": extra or None, "model": model}


def _behind(preset: Preset, messages: list[Message]) -> list[Message]:
    """Behind the preset's system prompt, unless the request has one of its own, and its examples."""
    has_own = any(message.role == "system" for message in messages)
    system = [Message("system", preset.system)] if preset.system and not has_own else []
    first = next((at for at, one in enumerate(messages) if one.role != "system"), len(messages))
    return [*system, *messages[:first], *examples_of(preset), *messages[first:]]
