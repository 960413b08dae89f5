"""Files that are to go with a prompt, as they are named: paths, `-` for standard input, or the clipboard."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from ai_pal.cli.terminal.streams import Terminal
from ai_pal.cli.terminal.waiting import Waiting
from ai_pal.config import paths
from ai_pal.conversations.model import Attachment
from ai_pal.errors import Code, fail

STDIN = "-"


def attached(names: Sequence[str], terminal: Terminal) -> list[Attachment]:
    """These files, read. Raises `AiPalError` (`file_unreadable`, `bad_request`)."""
    if not names:
        return []
    from ai_pal.attachments.reading import from_bytes, from_file, read_bounded

    found, waiting = [], Waiting(terminal)
    try:
        for name in names:
            waiting.line(f"reading {name}")
            if name != STDIN:
                found.append(from_file(Path(paths.expanded(name))))
            elif terminal.stdin or sys.stdin is None:
                fail(
                    Code.BAD_REQUEST,
                    "-a - reads standard input, and there is none",
                    "ai-pal chat -a - < FILE",
                )
            else:
                found.append(from_bytes(read_bounded(sys.stdin.buffer, "standard input"), "standard input"))
    finally:
        waiting.end()
    return found


def from_clipboard(terminal: Terminal) -> Attachment:
    """What was copied, a picture or a text. Raises `AiPalError` (`file_unreadable`, `bad_request`)."""
    from ai_pal.attachments.reading import MOST_BYTES, from_bytes
    from ai_pal.cli.prompts.chat.clipboard import paste

    if os.environ.get("SSH_CONNECTION"):
        message = "the clipboard is on the machine that you sit at, and this is another"
        fail(Code.FILE_UNREADABLE, message, "copy the file here, then /attach FILE")
    data = paste(os.environ, MOST_BYTES + 1)
    if data is None:
        hint = "it takes wl-paste (wl-clipboard), xclip or pngpaste; or name a file: /attach FILE"
        fail(Code.FILE_UNREADABLE, "nothing can be read from the clipboard", hint)
    if len(data) > MOST_BYTES:
        fail(Code.BAD_REQUEST, f"the clipboard holds more than {MOST_BYTES // 1024**2} MiB", "copy less")
    return from_bytes(data, "clipboard")


def names_in(argument: str) -> list[str]:
    """The files that a line names: quoted, with escaped blanks, or as it is where that is one file."""
    if Path(paths.expanded(argument)).exists():
        return [argument]
    try:
        return shlex.split(argument)
    except ValueError:  # a quote that does not end
        return [argument]
