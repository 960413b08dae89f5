"""What pages set up, and read of this server: settings of models, presets, the log."""

import asyncio
from collections.abc import Mapping

import msgspec

from ai_pal.client import AsyncClient
from ai_pal.config import paths
from ai_pal.config.presets import names
from ai_pal.gateway.asked import Wanted
from ai_pal.gateway.page import model_settings, page_presets
from ai_pal.gateway.page.log import logged

Said = Mapping[str, str]


class Setup:
    """Each request reads or writes a file; nothing is remembered."""

    async def settings(self, _: object, said: Said) -> bytes:
        """GET /page/model-settings: those of one model."""
        name = said.get("model", "")
        return msgspec.json.encode(await asyncio.to_thread(model_settings.told, name))

    def set(self, body: bytes) -> Wanted:
        """POST /page/model-settings."""
        wanted = model_settings.read(body)

        async def carry_out(_: AsyncClient) -> bytes:
            await asyncio.to_thread(model_settings.change, wanted)
            return msgspec.json.encode(await asyncio.to_thread(model_settings.told, wanted.model))

        return Wanted(carry_out)

    async def preset(self, _: object, said: Said) -> bytes:
        """GET /page/preset: what one says."""
        name = said.get("name", "")
        return msgspec.json.encode(await asyncio.to_thread(page_presets.told, name))

    def save_preset(self, body: bytes) -> Wanted:
        """POST /page/preset: save one, or delete it."""
        wanted = page_presets.read(body)

        async def carry_out(_: AsyncClient) -> bytes:
            await asyncio.to_thread(page_presets.save, wanted)
            return msgspec.json.encode({"presets": await asyncio.to_thread(names)})

        return Wanted(carry_out)

    async def log(self, _: object, said: Said) -> bytes:
        """GET /page/log: the end of the supervisor's."""
        return msgspec.json.encode(await asyncio.to_thread(logged, paths.log_dir()))
