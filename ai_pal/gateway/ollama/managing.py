"""Ollama's routes that change which models are here: other names, presets, names forgotten, files removed."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, NoReturn

import msgspec

from ai_pal.catalog import CATALOG, find, join, meant, resolve, split
from ai_pal.catalog.known import is_own
from ai_pal.catalog.naming import forget_own, give_alias
from ai_pal.catalog.reference import is_path
from ai_pal.catalog.removing import files_of, remove
from ai_pal.catalog.spelling import LATEST, spelled
from ai_pal.client import AsyncClient
from ai_pal.config import load_settings
from ai_pal.config.clouds import clouds, provider_names
from ai_pal.config.elsewhere import elsewhere
from ai_pal.config.model_names import check_name
from ai_pal.config.presets import FIELDS, Preset, load_preset, place, save_fields
from ai_pal.config.presets import remove as remove_preset
from ai_pal.errors import AiPalError, Code, fail
from ai_pal.gateway import presets
from ai_pal.gateway.asked import Wanted
from ai_pal.gateway.bodies import BodyError, decoded
from ai_pal.gateway.ollama import options
from ai_pal.gateway.ollama.answers import line
from ai_pal.gateway.ollama.listing import NamedBody, named
from ai_pal.gateway.ollama.pulling import SUCCESS
from ai_pal.gateway.statuses import NotDoneError
from ai_pal.protocol.option_rules import objection_to_value

PUSH = "nothing is sent to a registry from here"
BLOBS = "models are not made of uploaded parts here: lay the file down and name it with ai-pal add FILE"

_OF_ALIASES = {"num_ctx": "context", "num_thread": "threads"}
"""What can be said of a model wherever it is named; what else there is makes a preset of it."""


class CopyBody(msgspec.Struct):
    """POST /api/copy."""

    source: str
    destination: str


class CreateBody(NamedBody):
    """POST /api/create; what else a Modelfile can say is refused by name."""

    from_: str = msgspec.field(name="from", default="")
    parameters: dict[str, Any] | None = None
    stream: bool | None = None
    system: str | None = None
    template: Any = None
    messages: Any = None
    license: Any = None
    adapters: Any = None
    files: Any = None
    quantize: Any = None
    modelfile: Any = None
    path: Any = None


_NAMED = msgspec.json.Decoder(NamedBody)
_COPY = msgspec.json.Decoder(CopyBody)
_CREATE = msgspec.json.Decoder(CreateBody)
_NEVER = ("template", "messages", "license", "adapters", "files", "quantize", "modelfile", "path")


def copy(body: bytes) -> Wanted:
    """POST /api/copy: another name for a model, or the same preset once more. Raises `AiPalError`."""
    asked = decoded(body, _COPY)

    def change() -> None:
        if source := presets.named(asked.source):
            _keep(asked.destination, load_preset(source))
        else:
            _alias(asked.destination, asked.source, {})

    return _changing(change, b"")


def create(body: bytes) -> Wanted:
    """POST /api/create: a name for a model with a window or threads of its own, or a preset. Raises
    `AiPalError`."""
    asked = decoded(body, _CREATE)
    name = named(asked)
    for field in _NEVER:
        if getattr(asked, field):
            _not_done(field)
    if not asked.from_:
        raise BodyError("from names the model that is to be called so", "from")
    parameters = {name: value for name, value in (asked.parameters or {}).items() if value is not None}
    success = msgspec.json.encode(SUCCESS) if asked.stream is False else line(SUCCESS)
    if asked.system is None and parameters.keys() <= _OF_ALIASES.keys() and not presets.named(asked.from_):
        numbers = {_OF_ALIASES[one]: _number(value, one) for one, value in parameters.items()}
        return _changing(lambda: _alias(name, asked.from_, numbers), success)
    said = _preset(asked.system, parameters)

    def change() -> None:
        before = load_preset(source) if (source := presets.named(asked.from_)) else Preset()
        model = before.model if source else _model(asked.from_, {})
        _keep(name, _over(said, before, model))

    return _changing(change, success)


def delete(body: bytes) -> Wanted:
    """DELETE /api/delete: a model of ours, a name that was given, or a preset. Raises `AiPalError`."""
    model = named(decoded(body, _NAMED))

    async def carry_out(client: AsyncClient) -> bytes:
        if name := presets.named(model):
            await asyncio.to_thread(remove_preset, name)
            return b""
        if (goes := await asyncio.to_thread(_forgotten, model)) is None:
            goes = await asyncio.to_thread(_removable, model)
            await _unload(client, goes)
            await asyncio.to_thread(_removed, model)
        elif goes:
            await _unload(client, goes)
        return b""

    return Wanted(carry_out)


def _changing(change: Callable[[], None], body: bytes) -> Wanted:
    async def carry_out(_: AsyncClient) -> bytes:
        await asyncio.to_thread(change)
        return body

    return Wanted(carry_out)


def _not_done(field: str) -> NoReturn:
    hint = "from, system and parameters can be kept under a name; send the rest with each request"
    raise NotDoneError(f"a model's name holds no {field} here", hint)


def _number(value: Any, name: str) -> int:
    """Raises `BodyError`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BodyError(f"{value!r} is no number of this kind", f"parameters.{name}")
    return value


def _preset(system: str | None, parameters: dict[str, Any]) -> Preset:
    """What a Modelfile says besides its model, as a preset does. Raises `BodyError`."""
    for name in parameters:
        if name not in options.KNOWN:
            raise BodyError(f"there is no parameter {name!r}", f"parameters.{name}")
    said = options.sampling_of(parameters)
    fields = {name: value for name, value in said.items() if name != "extra" and value not in (None, [])}
    if more := said.get("extra"):
        fields["options"] = more
    for name, value in fields.items():
        if why := objection_to_value("extra" if name == "options" else name, value):
            raise BodyError(why, "parameters")
    return Preset(system=system or None, **fields)


def _over(said: Preset, before: Preset, model: str | None) -> Preset:
    """What is said goes over what was."""
    given = {name: value for name in FIELDS if (value := getattr(said, name)) is not None}
    return msgspec.structs.replace(before, **given, model=model)


def _keep(name: str, preset: Preset) -> None:
    """Have a preset of this name, in the place of an alias or a preset. Raises `AiPalError`."""
    name = name.removesuffix(LATEST)
    settings = load_settings().settings
    own = settings.models.get(name)
    if name in CATALOG or (own is not None and own.path):
        fail(Code.BAD_REQUEST, f"{name} is the name of a model", "choose another")
    check_name(name, clouds(settings))
    place(name)
    with contextlib.suppress(AiPalError):
        remove_preset(name)
    if own is not None:
        forget_own(name)
    save_fields(name, preset, ())


def _model(source: str, options: dict[str, Any]) -> str:
    """The model that a name is to stand for. What is not here cannot be: who asks next would wait for a
    download. Raises `AiPalError`."""
    settings = load_settings().settings
    if elsewhere(meant(source, settings), provider_names(settings)) is None:
        if is_path(source):
            fail(Code.BAD_REQUEST, f"{source} is a file or folder", "name it with: ai-pal add FILE")
        resolve(source, settings)
    given, more = split(source)
    return join(spelled(given, settings), more | options)


def _alias(name: str, source: str, options: dict[str, Any]) -> None:
    """Raises `AiPalError`."""
    name = name.removesuffix(LATEST)
    give_alias(name, _model(source, options), load_settings().settings)
    with contextlib.suppress(AiPalError):  # what was called so before
        remove_preset(name)


def _forgotten(model: str) -> str | None:
    """Forget a name of the user's own; what it had loaded, "" for an alias, which loads what it stands for.
    None: it is no such name."""
    settings = load_settings().settings
    name = spelled(split(model).name, settings)
    if not is_own(name, settings):
        return None
    forget_own(name)
    return name if settings.models[name].path else ""


def _removable(model: str) -> str:
    """What it is called as a worker. Raises `AiPalError`: it is not here, or not ours to remove."""
    settings = load_settings().settings
    found = find(model, settings)
    try:
        files_of(found, settings)
    except AiPalError as error:
        if error.code != Code.MODEL_INVALID:
            raise
        raise BodyError(error.failure.message, "model", error.failure.hint) from None
    return found.name


def _removed(model: str) -> None:
    settings = load_settings().settings
    remove(find(model, settings), settings)


async def _unload(client: AsyncClient, model: str) -> None:
    with contextlib.suppress(AiPalError):  # it is not loaded
        await client.unload(model)
