"""A file that an option names for what is written: whole or not at all, `-` is stdout."""

import sys
from pathlib import Path

from ai_pal.errors import fail_to_write


def write_out(name: str, data: bytes) -> None:
    """Write it there. Raises `AiPalError`."""
    if name == "-":
        sys.stdout.buffer.write(data)
        return
    from ai_pal.config import paths
    from ai_pal.config.whole_file import write_whole

    file = Path(paths.expanded(name))
    try:
        if file.exists() and not file.is_file():  # a pipe, or a device
            file.write_bytes(data)
        else:
            write_whole(file, data)
    except OSError as error:
        fail_to_write(name, error, "choose another place")
