"""What models are, looked up beside the loop: the same figures for every protocol."""

import asyncio
from collections.abc import Iterable, Mapping

import msgspec

from ai_pal.catalog.details import Details, details_of
from ai_pal.client import AsyncClient
from ai_pal.config import load_settings
from ai_pal.errors import AiPalError


async def details(client: AsyncClient, model: str) -> Details:
    """Raises `AiPalError`: there is no such model, or it is not here."""
    return _as_loaded(await asyncio.to_thread(_one, model), await _windows(client))


async def details_by_name(client: AsyncClient, models: Iterable[str]) -> dict[str, Details]:
    """Of those that can be looked at."""
    found, windows = await asyncio.to_thread(_all, list(models)), await _windows(client)
    return {name: _as_loaded(one, windows) for name, one in found.items()}


async def _windows(client: AsyncClient) -> dict[str, int]:
    return {one.model: one.context for one in (await client.status()).workers if not one.vocabulary}


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
