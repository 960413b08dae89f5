"""All models that a client can ask here, as its lists tell them: first what is on this machine, then the
router, then what providers have that may be asked. No cloud is asked for it."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from ai_pal.catalog.inventory.details import Details
from ai_pal.catalog.inventory.listed import ALIAS
from ai_pal.catalog.known.model import Strength
from ai_pal.catalog.references.spelling import spelled
from ai_pal.client import AsyncClient
from ai_pal.config import load_settings
from ai_pal.config.elsewhere import elsewhere
from ai_pal.config.model_names import LATEST
from ai_pal.config.presets import Preset, load_preset
from ai_pal.errors import AiPalError
from ai_pal.gateway.access.rights import KeyedClient
from ai_pal.gateway.asking import facts, presets
from ai_pal.gateway.asking.asked import AUTO
from ai_pal.protocol import client as wire
from ai_pal.protocol.options import Ability
from ai_pal.protocol.provider import OfferedModel
from ai_pal.providers.abilities import abilities
from ai_pal.providers.prices import price_table

OWNER = "ai-pal"
ROUTER = AUTO[0]

PATIENCE = 3.0
"""Seconds for an Ollama to say what it has."""

_STRENGTHS: tuple[tuple[Ability, Strength], ...] = (
    ("tools", "tools"),
    ("images", "pictures"),
    ("thinking", "thinking"),
)


class Askable(NamedTuple):
    """A model: who answers by it, what the supervisor tells of one on this machine, what is known of it, and
    the preset that is asked by this name."""

    name: str
    owner: str
    known: Details
    info: wire.ModelInfo | None = None
    preset: Preset | None = None


async def askable(client: AsyncClient) -> list[Askable]:
    """Those that this client may ask."""
    every = await client.models()
    here = [one for one in every if one.here and "*" not in one.name]  # nobody is called so
    known = await facts.details_by_name(client, [one.name for one in here])
    found = [Askable(one.name, OWNER, known.get(one.name, Details()), one) for one in here]
    for name, preset in await asyncio.to_thread(presets.every):
        if _may(client, preset):
            found.append(await _of_preset(client, name, preset))
    if not (isinstance(client, KeyedClient) and client.chosen):
        found.append(Askable(ROUTER, OWNER, await _of_router(client)))
    return found + await _elsewhere(client, every)


async def one_of(client: AsyncClient, name: str) -> Askable:
    """One of them, or another model of a provider that may be asked. Raises `AiPalError`: there is none."""
    if own := presets.named(name):
        preset = load_preset(own)
        if _may(client, preset):
            return await _of_preset(client, own, preset)
    return await _model(client, name)


async def _model(client: AsyncClient, name: str) -> Askable:
    if name in AUTO:
        return Askable(ROUTER, OWNER, await _of_router(client))
    providers = {one.name: one for one in await _providers(client)}
    there = elsewhere(name, providers)
    if there is not None and _sees(client, name):
        return Askable(name, there.provider, _known(providers[there.provider], there.model))
    called = await asyncio.to_thread(lambda: spelled(name, load_settings().settings))
    for one in _named(await client.models(), providers):
        if called == one.name:
            return one
    return Askable(name, OWNER, await facts.details(client, name))


async def _of_router(client: AsyncClient) -> Details:
    """As of the model that it asks first on this machine: what it can others can too, or it is not chosen."""
    with contextlib.suppress(AiPalError):
        return await facts.details(client, await facts.usual())
    return Details(able=frozenset({"chat"}))


def _may(client: AsyncClient, preset: Preset) -> bool:
    """Whether a preset is there for it: its model is, or the router may choose."""
    return not preset.model or _sees(client, preset.model)


async def _of_preset(client: AsyncClient, name: str, preset: Preset) -> Askable:
    """As of its model, with what it says itself."""
    try:
        known = (await _model(client, preset.model or ROUTER)).known
    except AiPalError:  # not here, or nowhere any more
        known = Details()
    said = presets.options_of(preset)
    own: dict[str, Any] = {"context": preset.context, "licence": preset.licence}
    own = {name: value for name, value in own.items() if value}
    known = msgspec.structs.replace(known, sampling=said.over(known.sampling), **own)
    return Askable(name, OWNER, known, preset=preset)


async def _elsewhere(client: AsyncClient, every: Sequence[wire.ModelInfo]) -> list[Askable]:
    """What providers have, and the user's own names for it."""
    providers = {one.name: one for one in await _providers(client)}
    found = {
        name: Askable(name, one.name, _known(one, model))
        for one in providers.values()
        for model in one.offers or (() if one.api == "ollama" else dict.fromkeys(one.models))
        if _sees(client, name := f"{one.name}:{model}")
    }
    return [*found.values(), *(one for one in _named(every, providers) if "*" not in one.name)]


def _sees(client: AsyncClient, name: str) -> bool:
    return client.sees(name) if isinstance(client, KeyedClient) else True


def _named(every: Sequence[wire.ModelInfo], providers: Mapping[str, wire.ProviderStatus]) -> list[Askable]:
    """Names that the user gave to models of these providers."""
    targets = [(one.name, one.source.removeprefix(ALIAS)) for one in every if one.state == "elsewhere"]
    return [
        Askable(name, there.provider, _known(providers[there.provider], there.model))
        for name, target in targets
        if (there := elsewhere(target, providers)) is not None
    ]


async def _providers(client: AsyncClient) -> list[wire.ProviderStatus]:
    """Those that may be asked as things stand."""
    try:
        async with asyncio.timeout(PATIENCE):
            found = await client.providers(near=True)
    except (AiPalError, TimeoutError):
        return []
    return [one for one in found if one.failure is None]


_CAPABILITIES: dict[str, Strength] = {
    "tools": "tools",
    "insert": "fill-in",
    "vision": "pictures",
    "thinking": "thinking",
}
"""Ollama's words for them."""


def _offered(model: str, told: OfferedModel) -> Details:
    """What an Ollama says of a model of its own."""
    return Details(
        model=model,
        format=told.format,
        architecture=told.architecture or "ollama",
        basename=told.basename or model,
        quantization=told.quantization,
        parameters=told.parameters,
        context=told.window,
        able=frozenset({"embed"} if told.capabilities == ["embedding"] else {"chat"}),
        strengths=tuple(ours for theirs, ours in _CAPABILITIES.items() if theirs in told.capabilities),
    )


def _known(provider: wire.ProviderStatus, model: str) -> Details:
    told = provider.about.get(model) or provider.about.get(f"{model}{LATEST}")
    if told is not None and told.capabilities:
        return _offered(model, told)
    able = abilities(provider.api, model)  # type: ignore[arg-type]
    price = price_table().find(provider.name, model)
    return Details(
        model=model,
        architecture=provider.api,
        basename=model,
        context=price.window if price is not None else 0,
        able=able,
        strengths=tuple(ours for theirs, ours in _STRENGTHS if theirs in able),
    )
