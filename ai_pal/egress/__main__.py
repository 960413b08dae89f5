"""Entry point: `python -P -m ai_pal.egress --endpoint ipc://PATH --worker ID --parent PID`."""

import logging
import os
import signal
import sys

from ai_pal.transport import parent_death

USAGE = 64


def main(argv: list[str]) -> int:
    """Run the egress process to its end; returns the exit code."""
    arguments = dict(zip(argv[::2], argv[1::2], strict=False))
    try:
        endpoint, identity = arguments["--endpoint"], arguments["--worker"]
        parent = int(arguments["--parent"])
    except (KeyError, ValueError):
        sys.stderr.write("usage: python -P -m ai_pal.egress --endpoint ipc://PATH --worker ID --parent PID\n")
        return USAGE
    parent_death.follow(parent)
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the client's
    # SDKs log whole requests, with their headers, to whoever listens.
    logging.disable(logging.CRITICAL)
    from ai_pal.egress.loop import run  # only now: nothing slow comes before the parent is followed

    return run(endpoint, identity, parent)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # No interpreter shutdown: a thread may hang in a read from a hub that says nothing.
    os._exit(code)
