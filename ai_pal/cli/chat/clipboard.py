"""Copy text: through the desktop's own tool, or through the terminal (OSC 52), which works over SSH."""

import base64
import shutil
import subprocess
from collections.abc import Callable, Mapping

_TOOL_SECONDS = 3.0


def copy(text: str, environ: Mapping[str, str], write: Callable[[str], None]) -> str:
    """Copy `text` and say by which way; `write` reaches the terminal."""
    command = tool(environ, shutil.which)
    if command and _through(command, text):
        return command[0]
    write(osc52(text))
    return "the terminal"


def tool(environ: Mapping[str, str], which: Callable[[str], str | None]) -> list[str]:
    """The command that copies its stdin on this desktop; empty where the terminal has to do it."""
    if environ.get("SSH_CONNECTION"):
        return []  # a tool would copy on the far machine
    wanted = [(True, ["pbcopy"])]
    wanted.append((bool(environ.get("WAYLAND_DISPLAY")), ["wl-copy"]))
    wanted.append((bool(environ.get("DISPLAY")), ["xclip", "-selection", "clipboard"]))
    return next((command for usable, command in wanted if usable and which(command[0])), [])


def osc52(text: str) -> str:
    """The sequence that asks a terminal to put `text` on the clipboard."""
    return f"\x1b]52;c;{base64.b64encode(text.encode(errors='replace')).decode()}\x07"


def _through(command: list[str], text: str) -> bool:
    try:
        done = subprocess.run(
            command,
            input=text.encode(errors="replace"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TOOL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
