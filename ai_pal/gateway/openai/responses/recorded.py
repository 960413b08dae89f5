"""A response in the background that another process answers, or one that is over: by what is written down."""

import asyncio
from typing import Any

from ai_pal.errors import AiPalError
from ai_pal.gateway.openai.responses.underway import ENDED, State, Underway
from ai_pal.gateway.wire.statuses import sentence

LOOK = 0.1
"""Seconds between two looks."""

STOP_SECONDS = 10.0
"""Until who answers it has heard that it is to stop."""


class Recorded:
    """As it stood when it was looked for."""

    def __init__(self, underway: Underway, name: str, owner: str, state: State) -> None:
        self._underway, self._name, self._owner, self._state = underway, name, owner, state

    @property
    def response(self) -> dict[str, Any]:
        """As it stands; nobody will end one whose process has ended."""
        if self._state.over or self._state.lives:
            return self._state.response
        error = {"code": "server_error", "message": sentence(ENDED)}
        return {**self._state.response, "status": "failed", "error": error}

    async def cancel(self) -> None:
        """Have it stopped, and wait until it is, or until that takes too long."""
        if self._state.over or not self._state.lives:
            return
        await asyncio.to_thread(self._underway.unwant, self._name)
        deadline = asyncio.get_running_loop().time() + STOP_SECONDS
        while not self._state.over and self._state.lives and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(LOOK)
            self._state = await self._look()

    async def _look(self) -> State:
        found = await asyncio.to_thread(self._underway.state, self._name, self._owner)
        return self._state._replace(over=True) if found is None else found

    def follow(self, after: int) -> "Following":
        """Its events behind this one."""
        return Following(self._underway, self._name, self._owner, after)


class Following:
    """The events of one, behind one of them, as they are written down: a stream that ends with it."""

    def __init__(self, underway: Underway, name: str, owner: str, after: int) -> None:
        self._underway, self._name, self._owner = underway, name, owner
        self._seen, self._nudged = after + 1, asyncio.Event()
        self.over = False

    async def batch(self) -> list[Any]:
        """What has come since; nothing where somebody has called `nudge`, or at the end. Raises `AiPalError`:
        its process has ended without it."""
        while not self._nudged.is_set():
            state = await asyncio.to_thread(self._underway.state, self._name, self._owner)
            found = await asyncio.to_thread(self._underway.events, self._name, self._seen)
            self._seen += len(found)
            if found:
                return found
            if state is None or state.told or (state.over and not state.lives):
                self.over = True
                return []
            if not state.lives:
                raise AiPalError(ENDED)
            await asyncio.sleep(LOOK)
        self._nudged.clear()
        return []

    def nudge(self) -> None:
        """Wake who waits, with the next look."""
        self._nudged.set()

    def cancel(self) -> None:
        """It goes on."""

    async def aclose(self) -> None:
        """It goes on."""
