"""Pull the starter model on its first use, with visible progress."""

import sys
import time
from typing import TYPE_CHECKING

from ai_pal.cli.chatting.waiting import Waiting, bar

if TYPE_CHECKING:
    from ai_pal.config import Settings

STARTER = "smollm2"
_REDRAW_SECONDS = 0.1


def fetch_starter(model: str, settings: "Settings", *, terminal: bool) -> bool:
    """Pull `model` if it is the starter; False for all others, which are pulled by command only.

    Raises `AiPalError` when the pull fails.
    """
    if model.partition("?")[0] != STARTER:
        return False
    from ai_pal.sources import pull

    if not terminal:
        print(f"fetching the model {STARTER} (98 MB), once", file=sys.stderr, flush=True)
    waiting = Waiting(visible=terminal)
    drawn = 0.0

    def progress(done: int, size: int) -> None:
        nonlocal drawn
        now = time.monotonic()
        if now - drawn >= _REDRAW_SECONDS or done == size:
            drawn = now
            share = bar(done / size if size else 0.0)
            waiting.line(f"{STARTER}  {share}  {done / 1e6:.0f} of {size / 1e6:.0f} MB")

    try:
        pull(STARTER, settings, progress)
    finally:
        waiting.end()
    return True
