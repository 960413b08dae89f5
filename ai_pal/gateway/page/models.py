"""Which models the page can name: what is here, what fits this machine, what is elsewhere."""

import asyncio
from contextlib import suppress
from typing import Any, Literal

import msgspec
import psutil

from ai_pal.catalog import CATALOG, default_model, stores
from ai_pal.catalog.choosing.machine import free_memory
from ai_pal.catalog.inventory.fitting import fit
from ai_pal.catalog.inventory.listed import Listed, inventory
from ai_pal.catalog.known.model import made_for
from ai_pal.client import AsyncClient
from ai_pal.client.async_stream import AsyncStream
from ai_pal.config import Settings, load_settings
from ai_pal.config.clouds import OLLAMA, clouds
from ai_pal.conversations.neutral import neutral_line
from ai_pal.errors import AiPalError
from ai_pal.gateway.page.events import failure_of
from ai_pal.gateway.wire.bodies import decoded
from ai_pal.store.machine_models import told_models

HERE = ("verified", "here", "elsewhere", "built in")
Json = dict[str, Any]


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /page/model."""

    what: Literal["load", "unload", "pull", "stop"]
    model: str


_ORDER = msgspec.json.Decoder(Order)


def read(body: bytes) -> Order:
    """Raises `BodyError`."""
    return decoded(body, _ORDER)


async def elsewhere(client: AsyncClient) -> Json:
    """Models of providers and of the user's machines that may be asked now, as they are named. The supervisor
    knows; nobody else is asked for that."""
    mine, others = await asyncio.to_thread(_set_up)
    named = [*mine, *others]
    may = await asyncio.gather(*(_may_be_asked(client, name) for name in named))
    found = [name for name, yes in zip(named, may, strict=True) if yes]
    return {
        "mine": [name for name in found if name in mine],
        "elsewhere": [name for name in found if name not in mine],
    }


def _set_up() -> tuple[list[str], list[str]]:
    """Of machines of the user's, and of others."""
    settings = load_settings().settings
    mine = [f"{name}:{machine.model}" for name, machine in settings.machines.items() if machine.model]
    mine += [f"{name}:{model}" for name, told in told_models(settings).items() for model in told]
    ours = settings.ollama
    others = [f"{OLLAMA}:{model}" for model in (ours.model, *(ours.models or ())) if model]
    for name, cloud in clouds(settings).items():
        others += [f"{name}:{model}" for model in (cloud.mid, cloud.strong) if model]
    return list(dict.fromkeys(mine)), list(dict.fromkeys(others))


async def _may_be_asked(client: AsyncClient, name: str) -> bool:
    with suppress(AiPalError):
        return any(one.position for one in (await client.route("?", model=name)).candidates)
    return False


def listed() -> Json:
    """By the disk. It may take a second."""
    settings = load_settings().settings
    found = inventory(settings)
    default = ""
    with suppress(AiPalError):
        default = default_model(settings)
    offered = [one for one in found if _is_offer(one)]
    return {
        "total": psutil.virtual_memory().total,
        "default": default,
        "here": [_here(one) for one in found if one.state in HERE],
        "offered": _offers(offered, settings),
    }


def names() -> list[str]:
    """What is here and can be asked."""
    return [one.name for one in inventory(load_settings().settings) if one.state in HERE]


def _is_offer(one: Listed) -> bool:
    return one.state == "not here" and one.name in CATALOG and one.source not in stores.PROGRAMS


def _here(one: Listed) -> Json:
    return {
        "name": neutral_line(one.name),
        "size": one.size,
        "source": neutral_line(one.source),
        "about": neutral_line(one.about),
        "used": one.last_used,
    }


def _offers(offered: list[Listed], settings: Settings) -> list[Json]:
    free, total = free_memory(settings), psutil.virtual_memory().total
    return [
        {
            "name": one.name,
            "size": one.size,
            "memory": one.memory,
            "can": made_for(one.strengths),
            "about": one.about,
            "licence": one.licence,
            "fits": fit(one.memory, free, total),
        }
        for one in sorted(offered, key=lambda one: one.memory)
    ]


class Errands:
    """Loads and downloads that a page has begun; they go on when it is closed."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[AsyncStream[Any], asyncio.Task[None]]] = {}
        self.failures: dict[str, Json] = {}
        """The last failure of each model."""

    async def carry_out(self, order: Order, client: AsyncClient) -> None:
        """Begin it, or end it. Raises `AiPalError`."""
        self.failures.pop(order.model, None)
        match order.what:
            case "unload":
                await client.unload(order.model)
            case "stop":
                if order.model in self._running:
                    await self._running[order.model][0].aclose()
            case "load":
                self._begin(order.model, client.load(order.model))
            case "pull":
                self._begin(order.model, client.pull(order.model))

    def _begin(self, model: str, work: AsyncStream[Any]) -> None:
        if model not in self._running:
            self._running[model] = work, asyncio.create_task(self._follow(model, work))

    async def _follow(self, model: str, work: AsyncStream[Any]) -> None:
        try:
            async for _ in work:
                pass
        except AiPalError as error:
            self.failures[model] = failure_of(error.failure)
        finally:
            del self._running[model]

    async def close(self) -> None:
        """End what can be ended."""
        for work, task in list(self._running.values()):
            await work.aclose()
            task.cancel()
