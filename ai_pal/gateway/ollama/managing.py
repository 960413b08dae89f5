"""Ollama's routes that change which models are here: another name, a name forgotten, files removed."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, NoReturn

import msgspec

from ai_pal.catalog import find, join, meant, resolve, split
from ai_pal.catalog.naming import forget_own, give_alias, is_own
from ai_pal.catalog.reference import is_path
from ai_pal.catalog.removing import files_of, remove
from ai_pal.catalog.spelling import LATEST, spelled
from ai_pal.client import AsyncClient
from ai_pal.config import load_settings
from ai_pal.config.clouds import provider_names
from ai_pal.config.elsewhere import elsewhere
from ai_pal.errors import AiPalError, Code, fail
from ai_pal.gateway.asked import Wanted
from ai_pal.gateway.bodies import BodyError, decoded
from ai_pal.gateway.ollama.answers import line
from ai_pal.gateway.ollama.listing import NamedBody, named
from ai_pal.gateway.ollama.pulling import SUCCESS
from ai_pal.gateway.statuses import NotDoneError

PUSH = "nothing is sent to a registry from here"
BLOBS = "models are not made of uploaded parts here: lay the file down and name it with ai-pal add FILE"

_OF_ALIASES = {"num_ctx": "context", "num_thread": "threads"}
"""What can be said of a model wherever it is named; the rest belongs to requests."""


class CopyBody(msgspec.Struct):
    """POST /api/copy."""

    source: str
    destination: str


class CreateBody(NamedBody):
    """POST /api/create; what else a Modelfile can say is refused by name."""

    from_: str = msgspec.field(name="from", default="")
    parameters: dict[str, Any] | None = None
    stream: bool | None = None
    system: Any = None
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
_NEVER = ("system", "template", "messages", "license", "adapters", "files", "quantize", "modelfile", "path")


def copy(body: bytes) -> Wanted:
    """POST /api/copy: another name for a model. Raises `AiPalError`."""
    asked = decoded(body, _COPY)
    return _changing(lambda: _alias(asked.destination, asked.source, {}), b"")


def create(body: bytes) -> Wanted:
    """POST /api/create: a name for a model with a window or threads of its own. Raises `AiPalError`."""
    asked = decoded(body, _CREATE)
    name = named(asked)
    for field in _NEVER:
        if getattr(asked, field):
            _not_done(field)
    if not asked.from_:
        raise BodyError("from names the model that is to be called so", "from")
    options: dict[str, Any] = {}
    for parameter, value in (asked.parameters or {}).items():
        if parameter not in _OF_ALIASES:
            _not_done(f"parameters.{parameter}")
        options[_OF_ALIASES[parameter]] = value
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise BodyError(f"{value!r} is no number of this kind", f"parameters.{parameter}")
    success = msgspec.json.encode(SUCCESS) if asked.stream is False else line(SUCCESS)
    return _changing(lambda: _alias(name, asked.from_, options), success)


def delete(body: bytes) -> Wanted:
    """DELETE /api/delete: a model of ours, or a name that was given. Raises `AiPalError`."""
    model = named(decoded(body, _NAMED))

    async def carry_out(client: AsyncClient) -> bytes:
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
    hint = "send it with each request, or keep it as a preset of ai-pal chat: ai-pal preset --help"
    raise NotDoneError(f"a model's name holds no {field} here", hint)


def _alias(name: str, source: str, options: dict[str, Any]) -> None:
    """What is not here cannot be copied: who asks next would wait for a download."""
    settings = load_settings().settings
    if elsewhere(meant(source, settings), provider_names(settings)) is None:
        if is_path(source):
            fail(Code.BAD_REQUEST, f"{source} is a file or folder", "name it with: ai-pal add FILE")
        resolve(source, settings)
    given, more = split(source)
    given = spelled(given, settings)
    give_alias(name.removesuffix(LATEST), join(given, more | options), settings)


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
