"""Entry point: `python -P -m ai_pal.egress --endpoint ipc://PATH --worker ID --parent PID`."""

import os
import sys
from collections.abc import Sequence

from ai_pal.egress.entry import begin


def main(argv: Sequence[str]) -> int:
    """Run the egress process to its end; returns the exit code."""
    return begin("ai_pal.egress", argv, lambda: None)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # No interpreter shutdown: a thread may hang in a read from a hub that says nothing.
    os._exit(code)
