"""Entry point: `python -P -m ai_pal.machines --endpoint ipc://PATH --worker ID --parent PID`."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ai_pal.egress.entry import begin

if TYPE_CHECKING:
    from ai_pal.egress.loop import MakeAdapters


def main(argv: Sequence[str]) -> int:
    """Run the process that asks other machines to its end; returns the exit code."""
    return begin("ai_pal.machines", argv, _links)


def _links() -> "MakeAdapters":
    from ai_pal.machines.links import Links

    return Links


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # No interpreter shutdown: a thread may hang in a pipe that nobody reads.
    os._exit(code)
