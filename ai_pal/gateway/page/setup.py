"""What pages set up, and read of this server: settings of models, presets, the log."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import msgspec

from ai_pal.client import AsyncClient
from ai_pal.config import paths
from ai_pal.config.presets import names
from ai_pal.gateway.asking.asked import Errand
from ai_pal.gateway.page import model_settings, page_presets
from ai_pal.gateway.page.log import logged

Said = Mapping[str, str]
T = TypeVar("T")


def told(name: str, tells: Callable[[str], Any]) -> Callable[[object, Said], Awaitable[bytes]]:
    """A GET that tells what a file says of what the query names as `name`."""

    async def answer(_: object, said: Said) -> bytes:
        return msgspec.json.encode(await asyncio.to_thread(tells, said.get(name, "")))

    return answer


def written(
    read: Callable[[bytes], T], write: Callable[[T], None], tells: Callable[[T], Any]
) -> Callable[[bytes], Errand]:
    """A POST that writes what was `read` into a file, and is told what that says by now."""

    def asked(body: bytes) -> Errand:
        wanted = read(body)

        def carried_out() -> Any:
            write(wanted)
            return tells(wanted)

        async def carry_out(_: AsyncClient) -> bytes:
            return msgspec.json.encode(await asyncio.to_thread(carried_out))

        return Errand(carry_out)

    return asked


settings = told("model", model_settings.told)
set_settings = written(
    model_settings.read, model_settings.change, lambda wanted: model_settings.told(wanted.model)
)
preset = told("name", page_presets.told)
save_preset = written(page_presets.read, page_presets.save, lambda _: {"presets": names()})


async def log(_: object, said: Said) -> bytes:
    """GET /page/log: the end of the supervisor's."""
    return msgspec.json.encode(await asyncio.to_thread(logged, paths.log_dir()))
