"""How things stand, for as long as a page looks: models, requests, downloads, and the history."""

import asyncio
from typing import Any

import msgspec

from ai_pal.client import Scene
from ai_pal.client.async_stream import AsyncStream
from ai_pal.gateway.page.events import written
from ai_pal.gateway.page.history import History
from ai_pal.protocol import client as wire

TICK = 1.0
"""Seconds between two looks at the history, and between two pictures at most."""


class LiveView:
    """One page that looks on, a stream of written events."""

    def __init__(self, events: AsyncStream[wire.Picture | wire.Changes], history: History) -> None:
        self._events, self._history = events, history
        self._scene, self._told = Scene(), b""
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def over(self) -> bool:
        """Whether the supervisor has gone."""
        return self._events.over

    async def batch(self) -> list[bytes]:
        """A picture, where it is another one than before."""
        loop = asyncio.get_running_loop()
        if self._told:
            await asyncio.sleep(TICK / 4)  # figures of answers come many times a second
        self._alarm = loop.call_later(TICK, self._events.nudge)
        try:
            for event in await self._events.batch():
                self._scene.take(event, loop.time())
        finally:
            self._alarm.cancel()
        told = written([("live", await self._picture(loop.time()))])
        if told == self._told:
            return []
        self._told = told
        return [told]

    async def _picture(self, now: float) -> dict[str, Any]:
        scene = self._scene
        requests = [msgspec.to_builtins(one) for one in scene.requests_at(now)]
        return {
            "free": scene.free,
            "models": [msgspec.to_builtins(one) for one in scene.models_at(now)],
            "requests": [{**one, "seconds": round(one.get("seconds", 0.0))} for one in requests],
            "ended": [msgspec.to_builtins(one) for one in list(scene.ended)[-8:]],
            "downloads": [msgspec.to_builtins(one) for one in scene.downloads.values()],
            "history": await self._history.version(),
        }

    def nudge(self) -> None:
        """Wake who waits."""
        self._events.nudge()

    async def aclose(self) -> None:
        """Look no longer."""
        await self._events.aclose()
