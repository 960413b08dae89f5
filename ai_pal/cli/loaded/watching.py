"""`ai-pal ps --watch`: models, requests and downloads as they are, drawn again when something changes."""

import os
import select
import signal
import sys
import time
from typing import Any, NoReturn

from ai_pal.cli.loaded.request_table import download_table, lines_of, request_table
from ai_pal.cli.loaded.worker_table import worker_table
from ai_pal.cli.running import once_running
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.json_output import whole
from ai_pal.cli.terminal.keyboard import quiet_keyboard
from ai_pal.cli.terminal.region import Region
from ai_pal.cli.terminal.streams import Terminal, remark, size
from ai_pal.client import Client
from ai_pal.client.scene import Scene
from ai_pal.client.stream import Stream
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol import client as wire

Events = Stream[wire.Picture | wire.Changes]

REDRAW = 1.0
"""Seconds after which it is drawn again although nothing has changed: times go on."""

KEYS = 0.2
"""Seconds in which a key is seen."""

OVER = (Code.SHUTTING_DOWN, Code.SUPERVISOR_LOST)
"""What says that there is no supervisor to watch any more."""


def watch_when_running(*, as_json: bool) -> int:
    """From when a supervisor runs, which is waited for, as `watch`."""
    terminal = Terminal.detect()
    heard = terminal.stdin and terminal.rich_stdout and not as_json
    keyboard = sys.stdin.fileno() if heard else None
    with quiet_keyboard(terminal=heard):
        client = once_running(remark, lambda: _leaves(keyboard))
        if client is None:
            return failures.OK
        with client:
            return watch(client, as_json=as_json)


def watch(client: Client, *, as_json: bool) -> int:
    """Until Ctrl-C (or q on a terminal), or the end of the supervisor. A pipe gets a line for each change, or
    a JSON object."""
    signal.signal(signal.SIGTERM, _leave)
    try:
        with client.events() as events:
            if as_json:
                _print_json(events)
            elif (terminal := Terminal.detect()).rich_stdout:
                with quiet_keyboard(terminal=terminal.stdin):
                    _draw(events, sys.stdin.fileno() if terminal.stdin else None)
            else:
                _print_lines(events)
    except AiPalError as error:
        if error.code not in OVER:
            raise
        remark("the supervisor has ended")
    return failures.OK


def screen(scene: Scene, columns: int, now: float) -> list[str]:
    """What is shown. Pure."""
    parts = [worker_table(scene.models_at(now), columns)]
    if scene.requests:
        parts.append(request_table(scene.requests_at(now), columns))
    if scene.downloads:
        parts.append(download_table(list(scene.downloads.values()), columns))
    return "\n\n".join(parts).splitlines()


def _draw(events: Events, keyboard: int | None) -> None:
    scene, due = Scene(), 0.0
    region = Region(sys.stdout, lambda: size(sys.stdout))
    shown: list[str] = []
    try:
        while not _leaves(keyboard):
            event = events.soon(KEYS)
            now = time.monotonic()
            if event is not None:
                scene.take(event, now)
            elif now < due:
                continue
            due = now + REDRAW
            shown = screen(scene, size(sys.stdout).columns, now)
            region.draw(shown)
    finally:
        region.commit(shown)
        region.close()


def _leaves(keyboard: int | None) -> bool:
    """Whether q was typed; all other keys mean nothing."""
    if keyboard is None or not select.select([keyboard], [], [], 0)[0]:
        return False
    typed = os.read(keyboard, 1024)
    return not typed or b"q" in typed.lower()


def _print_lines(events: Events) -> None:
    scene = Scene()
    for event in events:
        at = time.strftime("%H:%M:%S")
        for line in lines_of(event, scene):
            print(at, line)
        scene.take(event)
        sys.stdout.flush()


def _print_json(events: Events) -> None:
    """One object a line, its `type` says which."""
    import msgspec

    for event in events:
        kind = "picture" if isinstance(event, wire.Picture) else "changes"
        sys.stdout.buffer.write(msgspec.json.encode({"type": kind} | whole(event)) + b"\n")
        sys.stdout.buffer.flush()


def _leave(number: int, _frame: Any) -> NoReturn:
    # An exception, so that the terminal gets its cursor back.
    raise SystemExit(128 + number)
