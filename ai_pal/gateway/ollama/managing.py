"""Ollama's routes that copy names and delete models."""

import asyncio
import contextlib
import time
from collections.abc import Callable

import msgspec

from ai_pal.catalog import find, split
from ai_pal.catalog.caches import uploads
from ai_pal.catalog.inventory.removing import files_of, remove
from ai_pal.catalog.known.names import is_own
from ai_pal.catalog.references.naming import forget_own
from ai_pal.catalog.references.spelling import spelled
from ai_pal.client import AsyncClient
from ai_pal.config import load_settings
from ai_pal.config.model_names import short
from ai_pal.config.presets import load_preset, read_text
from ai_pal.config.presets import remove as remove_preset
from ai_pal.errors import AiPalError, Code
from ai_pal.gateway.asking import presets
from ai_pal.gateway.asking.asked import Errand
from ai_pal.gateway.ollama.listing import NamedBody, named
from ai_pal.gateway.ollama.naming import keep_preset, model_meant, name_model
from ai_pal.gateway.wire.bodies import BodyError, decoded

PUSH = "nothing is sent to a registry from here"


class CopyBody(msgspec.Struct):
    """POST /api/copy."""

    source: str
    destination: str


_NAMED = msgspec.json.Decoder(NamedBody)
_COPY = msgspec.json.Decoder(CopyBody)


def copy(body: bytes) -> Errand:
    """POST /api/copy: another name for a model, or the same preset once more. Raises `AiPalError`."""
    asked = decoded(body, _COPY)
    for field in CopyBody.__struct_fields__:
        if not short(getattr(asked, field)).strip():
            raise BodyError("a name is wanted", field)

    def change() -> None:
        preset = presets.named(asked.source)
        model = "" if preset else model_meant(asked.source, load_settings().settings)
        if short(asked.source).lower() == short(asked.destination).lower():
            return  # it is there, and called so already
        if preset:
            keep_preset(asked.destination, load_preset(preset))
        else:
            name_model(asked.destination, model)

    return _changing(change, b"")


def delete(body: bytes) -> Errand:
    """DELETE /api/delete: a model of ours, a name that was given, or a preset. Raises `AiPalError`."""
    model = named(decoded(body, _NAMED))

    async def carry_out(client: AsyncClient) -> bytes:
        if name := presets.named(model):
            await asyncio.to_thread(_forget_preset, name)
            return b""
        if (goes := await asyncio.to_thread(_forgotten, model)) is None:
            goes = await asyncio.to_thread(_removable, model)
            await _unload(client, goes)
            await asyncio.to_thread(_removed, model)
        elif goes:
            await _unload(client, goes)
        return b""

    return Errand(carry_out)


def _changing(change: Callable[[], None], body: bytes) -> Errand:
    async def carry_out(_: AsyncClient) -> bytes:
        await asyncio.to_thread(change)
        return body

    return Errand(carry_out)


def _forget_preset(name: str) -> None:
    """With the files that programs have sent for it."""
    text = read_text(name) or ""
    remove_preset(name)
    uploads.sweep(load_settings().settings, time.time(), text)


def _forgotten(model: str) -> str | None:
    """Forget a name of the user's own; what it had loaded, "" for an alias, which loads what it stands for.
    None: it is no such name."""
    settings = load_settings().settings
    name = spelled(split(model).name, settings)
    if not is_own(name, settings):
        return None
    own = settings.models[name]
    forget_own(name)
    uploads.sweep(load_settings().settings, time.time(), own.path or own.model or "")
    return name if own.path else ""


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
