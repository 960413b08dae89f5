"""The first use of a model that is not here: small ones come unasked, large ones after a question."""

import sys
from typing import TYPE_CHECKING

from ai_pal.cli.terminal.downloads import sized
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.streams import YES, Terminal, say, typed

if TYPE_CHECKING:
    from ai_pal.config import Settings

_YES = ("", *YES)


def may_fetch(model: str, size: int, settings: "Settings", terminal: Terminal) -> bool:
    """Ask the user whether `size` bytes (0: not known) may be downloaded. False without a terminal, and
    for what cannot be downloaded or need not be."""
    if not (terminal.stdin and terminal.stderr):
        return False
    from ai_pal.catalog import cache_dir, find
    from ai_pal.catalog.choosing.machine import free_memory
    from ai_pal.catalog.choosing.this_host import free_disk
    from ai_pal.errors import AiPalError

    try:
        found = find(model, settings)
    except AiPalError:
        return False
    if found.wanted is None or found.is_here:  # what is here already, and missing on nodes of a cluster
        return False
    disk, free = free_disk(cache_dir(settings)), free_memory(settings)
    say(question(found.name, size or found.size, found.memory, disk, free), sys.stderr, dim=False)
    if found.reason:
        say(neutral_line(found.reason), sys.stderr, dim=terminal.rich_stderr)
    print("download it now? [Y/n] ", end="", file=sys.stderr, flush=True)
    return typed() in _YES


def question(name: str, size: int, memory: int, free_disk: int, free: int) -> str:
    """What the user should know before the answer."""
    need = memory or size * 6 // 5
    download = f"{sized(size)} to download ({sized(free_disk)} free on the disk)"
    load = f"about {sized(need)} of memory to run ({sized(free)} free)"
    return f"{neutral_line(name)} is not here yet: {download}, {load}"
