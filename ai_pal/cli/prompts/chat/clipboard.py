"""Copy text: through the desktop's own tool, or through the terminal (OSC 52), which works over SSH. Paste a
picture or a text: through the desktop's tools."""

import base64
import shutil
import subprocess
import threading
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


def paste(
    environ: Mapping[str, str], limit: int, which: Callable[[str], str | None] = shutil.which
) -> bytes | None:
    """A picture that was copied, else a text, up to `limit` bytes; None where there is none to be had."""
    for command in pasting(environ, which):
        if data := _output(command, limit):
            return data
    return None


def pasting(environ: Mapping[str, str], which: Callable[[str], str | None]) -> list[list[str]]:
    """The commands that give what was copied on this desktop, pictures first."""
    wayland, x11 = bool(environ.get("WAYLAND_DISPLAY")), bool(environ.get("DISPLAY"))
    xclip = ["xclip", "-selection", "clipboard", "-o"]
    wanted = [
        (True, ["pngpaste", "-"]),
        (wayland, ["wl-paste", "--no-newline", "--type", "image/png"]),
        (x11, [*xclip, "-t", "image/png"]),
        (True, ["pbpaste"]),
        (wayland, ["wl-paste", "--no-newline", "--type", "text"]),
        (x11, xclip),
    ]
    return [command for usable, command in wanted if usable and which(command[0])]


def osc52(text: str) -> str:
    """The sequence that asks a terminal to put `text` on the clipboard."""
    return f"\x1b]52;c;{base64.b64encode(text.encode(errors='replace')).decode()}\x07"


def _output(command: list[str], limit: int) -> bytes:
    """What a tool writes, b"" where it fails or takes too long."""
    try:
        started = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        return b""
    with started:
        end = threading.Timer(_TOOL_SECONDS, started.kill)
        end.start()
        try:
            assert started.stdout is not None
            data = started.stdout.read(limit)
            if len(data) == limit:
                started.kill()
            started.wait()
        finally:
            end.cancel()
    return data if started.returncode == 0 or len(data) == limit else b""


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
