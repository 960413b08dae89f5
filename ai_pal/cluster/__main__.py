"""Entry point: `python -P -m ai_pal.cluster --endpoint ipc://PATH --worker ID --parent PID`."""

import os
import sys
from collections.abc import Sequence

from ai_pal.egress.entry import start


def main(argv: Sequence[str]) -> int:
    """Run the cluster process to its end; returns the exit code."""

    def run(endpoint: str, identity: str, parent: int) -> int:
        from ai_pal.cluster.process import run  # only now: nothing slow comes before the parent is followed

        return run(endpoint, identity, parent)

    return start("ai_pal.cluster", argv, run)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # No interpreter shutdown: an engine's threads may wait for what does not come.
    os._exit(code)
