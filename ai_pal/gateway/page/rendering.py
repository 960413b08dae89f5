"""Rendering by a process of its own, begun when a page is there and ended when none has asked for a while."""

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from ai_pal.logs import get_logger

SECONDS = 20.0
"""After which a renderer that does not answer is ended: it has its own, shorter bounds."""

IDLE = 120.0
"""Seconds without work after which it is ended."""

LONGEST = 1 << 28
"""Bytes of a line."""

_COMMAND = (sys.executable, "-P", "-m", "ai_pal.gateway.page.renderer")
_GIVEN = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
"""What it gets of the environment: it needs no settings, and no keys."""

log = get_logger("ai_pal.gateway")


class Rendering:
    """Owns the process. One line is on its way at a time; the next waits for it."""

    def __init__(self, command: Sequence[str] = _COMMAND) -> None:
        self._command = command
        self._turn = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None
        self._number = 0
        self._idle: asyncio.TimerHandle | None = None

    async def begin(self) -> None:
        """Have the process there when it is needed."""
        async with self._turn:
            with suppress(OSError):
                await self._running()
            self._rests_later()

    async def html(self, blocks: Sequence[str]) -> list[str]:
        """The HTML of each block; plain text of all, where the renderer dies of one or is silent."""
        if not blocks:
            return []
        async with self._turn:
            try:
                async with asyncio.timeout(SECONDS):
                    return await self._asked(list(blocks))
            except (TimeoutError, OSError, ValueError, msgspec.MsgspecError) as error:
                log.warning("page_renderer_failed", error=type(error).__name__)
                await self._end()
            finally:
                self._rests_later()
        from ai_pal.gateway.page.markdown import plain

        return [plain(block) for block in blocks]

    async def close(self) -> None:
        """End the process."""
        if self._idle is not None:
            self._idle.cancel()
        async with self._turn:
            await self._end()

    async def _asked(self, blocks: list[str]) -> list[str]:
        child = await self._running()
        assert child.stdin is not None
        assert child.stdout is not None
        self._number += 1
        child.stdin.write(msgspec.json.encode((self._number, blocks)) + b"\n")
        await child.stdin.drain()
        while True:  # who asked before may have left without its answer
            number, html = msgspec.json.decode(await child.stdout.readline(), type=tuple[int, list[str]])
            if number == self._number:
                return html

    async def _running(self) -> asyncio.subprocess.Process:
        if self._child is None or self._child.returncode is not None:
            self._child = await asyncio.create_subprocess_exec(
                *self._command,
                env={name: os.environ[name] for name in _GIVEN if name in os.environ},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LONGEST,
            )
        return self._child

    def _rests_later(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE, self._rests)

    def _rests(self) -> None:
        """Nobody has asked for a while: its input ends, and so does it."""
        if self._child is not None and not self._turn.locked():
            child, self._child = self._child, None
            if child.stdin is not None:
                child.stdin.close()

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
