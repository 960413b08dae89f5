"""The look at the models on the disk, in a thread beside the loop."""

import asyncio
from collections.abc import Callable

from ai_pal.catalog.inventory.listed import Listed, inventory
from ai_pal.catalog.weights.purpose import purpose
from ai_pal.config import Settings
from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.server.services.models import Look, Told

HERE = ("verified", "here", "built in")


def looking(settings: Callable[[], Settings], loop: asyncio.AbstractEventLoop) -> Look:
    """What `services.models` looks with."""

    def look(told: Told) -> None:
        found = loop.run_in_executor(None, _infos, settings())
        found.add_done_callback(lambda done: told(_outcome(done)))

    return look


def _outcome(done: "asyncio.Future[list[wire.ModelInfo]]") -> list[wire.ModelInfo] | Failure:
    if (error := done.exception()) is not None:
        return Failure(Code.FILE_UNREADABLE, f"the models cannot be listed: {error}", "ai-pal doctor")
    return done.result()


def _infos(settings: Settings) -> list[wire.ModelInfo]:
    return [_info(listed) for listed in inventory(settings)]


def _info(listed: Listed) -> wire.ModelInfo:
    here = listed.state in HERE
    return wire.ModelInfo(
        name=listed.name,
        state=listed.state,
        here=here,
        purpose=purpose(listed.path) if here and listed.path else "chat",
        size=listed.size,
        source=listed.source,
        path=listed.path,
        about=listed.about,
        licence=listed.licence,
        revision=listed.revision,
        last_used=listed.last_used,
    )
