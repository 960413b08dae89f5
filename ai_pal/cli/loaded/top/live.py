"""`ai-pal top` on a terminal: events and keys in, a screen out, until the user leaves."""

import asyncio
import os
import signal
import sys
import time

import msgspec

from ai_pal.catalog import keep_alive
from ai_pal.cli.loaded.top.choosing import (
    Action,
    CallOff,
    Keep,
    Quit,
    Unload,
    View,
    keys_of,
    pressed,
    settled,
)
from ai_pal.cli.loaded.top.screen import screen
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.full_screen import FullScreen
from ai_pal.cli.terminal.keyboard import quiet_keyboard, spoken_to
from ai_pal.cli.terminal.streams import size
from ai_pal.client import AsyncClient
from ai_pal.client.daemon import endpoint
from ai_pal.client.scene import Scene
from ai_pal.config import Settings
from ai_pal.config.durations import NEVER
from ai_pal.errors import AiPalError, Code

PAUSE = 0.1
"""Seconds between two drawings of what changes by itself."""

REDRAW = 1.0
"""Seconds after which it is drawn again although nothing has changed: times go on."""

AGAIN = 0.5
"""Seconds between two looks for a supervisor."""

GONE = (Code.SUPERVISOR_UNREACHABLE, Code.SUPERVISOR_LOST, Code.SUPERVISOR_SILENT, Code.SHUTTING_DOWN)


def live(settings: Settings) -> int:
    """Until q or Ctrl-C, over the ends of supervisors. The terminal is as before afterwards, always."""
    with quiet_keyboard(terminal=True), FullScreen(sys.stdout, lambda: size(sys.stdout)) as full:
        asyncio.run(Live(settings, full).run())
    return failures.OK


class Live:
    """One look, from its beginning to its end."""

    def __init__(self, settings: Settings, full: FullScreen) -> None:
        self._settings, self._full = settings, full
        self._scene, self._view = Scene(), View()
        self._client: AsyncClient | None = None
        self._over = asyncio.Event()
        self._drawing: asyncio.TimerHandle | None = None
        self._colour = "NO_COLOR" not in os.environ
        self._actions: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until the user leaves. Raises `AiPalError`: what no supervisor mends."""
        loop, keyboard = asyncio.get_running_loop(), sys.stdin.fileno()
        loop.add_reader(keyboard, self._typed, keyboard)
        loop.add_signal_handler(signal.SIGWINCH, self._draw)
        loop.add_signal_handler(signal.SIGTSTP, self._suspend)
        watching, over = asyncio.create_task(self._watch()), asyncio.create_task(self._over.wait())
        try:
            while not (watching.done() or over.done()):
                self._draw()
                await asyncio.wait((watching, over), timeout=REDRAW, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                watching.result()
        finally:
            loop.remove_reader(keyboard)
            for task in (watching, over, *self._actions):
                task.cancel()

    async def _watch(self) -> None:
        while True:
            try:
                async with AsyncClient(endpoint()) as client:
                    self._client = client
                    async for event in client.events():
                        self._scene.take(event, time.monotonic())
                        self._view = settled(self._view, self._scene)
                        self._draw_soon()
            except AiPalError as error:
                if error.code not in GONE:
                    raise
            self._client, self._scene, self._view = None, Scene(), View(help=self._view.help)
            self._draw_soon()
            await asyncio.sleep(AGAIN)

    def _typed(self, keyboard: int) -> None:
        typed = os.read(keyboard, 1024)
        if not typed:
            self._over.set()
        for key in keys_of(typed):
            self._view, action = pressed(self._view, key, self._scene)
            if isinstance(action, Quit):
                self._over.set()
            elif action is not None and self._client is not None:
                task = asyncio.create_task(self._do(self._client, action))
                self._actions.add(task)
                task.add_done_callback(self._actions.discard)
        self._draw()

    async def _do(self, client: AsyncClient, action: Action) -> None:
        try:
            match action:
                case Unload(model):
                    self._say(f"unloading {model}")
                    gone = await client.unload(model)
                    self._say(f"unloaded {', '.join(gone)}" if gone else f"{model} is not loaded any more")
                case Keep(model, forever):
                    await client.load(model, NEVER if forever else keep_alive(model, self._settings))
                    self._say(
                        f"{model} {'stays until it is unloaded' if forever else 'is not pinned any more'}"
                    )
                case CallOff(key):
                    was = await client.call_off(key)
                    self._say("the request is cancelled" if was else "the request had ended already")
        except AiPalError as error:
            self._say(f"{error.failure.message} [{error.code}]")

    def _say(self, message: str) -> None:
        self._view = msgspec.structs.replace(self._view, message=message)
        self._draw()

    def _draw_soon(self) -> None:
        """A burst of events is one drawing."""
        if self._drawing is None:
            self._drawing = asyncio.get_running_loop().call_later(PAUSE, self._draw)

    def _draw(self) -> None:
        if self._drawing is not None:
            self._drawing.cancel()
            self._drawing = None
        at = size(sys.stdout)
        now = time.monotonic()
        self._full.draw(
            screen(self._view, self._scene, at.columns - 1, at.lines - 1, now, colour=self._colour)
        )

    def _suspend(self) -> None:
        """Ctrl-Z: the terminal is the shell's until this goes on."""
        with self._full.left(), spoken_to(terminal=True):
            os.kill(os.getpid(), signal.SIGSTOP)
        self._draw()
