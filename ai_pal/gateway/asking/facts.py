"""What models are, looked up beside the loop: the same figures for every protocol."""

import asyncio
from collections.abc import Iterable, Mapping

import msgspec

from ai_pal.catalog import default_model, find, meant
from ai_pal.catalog.inventory.details import Details, details_of
from ai_pal.catalog.inventory.metadata import Told, metadata_of
from ai_pal.client import AsyncClient
from ai_pal.config import load_settings
from ai_pal.config.clouds import provider_names
from ai_pal.config.elsewhere import elsewhere
from ai_pal.errors import AiPalError
from ai_pal.gateway.access.rights import KeyedClient


async def details(client: AsyncClient, model: str) -> Details:
    """Raises `AiPalError`: there is no such model, or it is not here, or not for who asks."""
    if isinstance(client, KeyedClient):
        client.named(model)
    return _as_loaded(await asyncio.to_thread(_one, model), await _windows(client))


async def details_by_name(client: AsyncClient, models: Iterable[str]) -> dict[str, Details]:
    """Of those that can be looked at."""
    found, windows = await asyncio.to_thread(_all, list(models)), await _windows(client)
    return {name: _as_loaded(one, windows) for name, one in found.items()}


async def metadata(known: Details, *, lists: bool) -> Told | None:
    """What the files of one of these say, entry by entry; None where that cannot be had."""
    return await asyncio.to_thread(metadata_of, known, lists=lists)


async def _windows(client: AsyncClient) -> dict[str, int]:
    return {one.asked_as: one.context for one in (await client.status()).workers if not one.vocabulary}


async def usual() -> str:
    """The model of this machine that is asked where none is named."""
    return await asyncio.to_thread(lambda: default_model(load_settings().settings))


async def known(model: str) -> None:
    """Raises `AiPalError` (`model_not_found`): there is no such model."""
    await asyncio.to_thread(_look_for, model)


def _look_for(model: str) -> None:
    settings = load_settings().settings
    if elsewhere(meant(model, settings), provider_names(settings)) is None:
        find(model, settings)


def _as_loaded(known: Details, windows: Mapping[str, int]) -> Details:
    """What is loaded has the window that it has."""
    return msgspec.structs.replace(known, context=windows.get(known.model, 0) or known.context)


def _one(model: str) -> Details:
    return details_of(model, load_settings().settings)


def _all(models: list[str]) -> dict[str, Details]:
    settings = load_settings().settings
    found: dict[str, Details] = {}
    for name in models:
        try:
            found[name] = details_of(name, settings)
        except (AiPalError, OSError, ValueError):
            continue  # it is listed without figures
    return found
