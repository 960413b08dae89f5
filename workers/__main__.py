"""Entry point: `python -P -m workers --endpoint ipc://PATH --worker ID --parent PID`."""

import os
import signal
import sys

from ai_pal.transport import parent_death

USAGE = 64


def main(argv: list[str]) -> int:
    """Run one worker to its end; returns the exit code."""
    arguments = dict(zip(argv[::2], argv[1::2], strict=False))
    try:
        endpoint, worker = arguments["--endpoint"], arguments["--worker"]
        parent = int(arguments["--parent"])
    except (KeyError, ValueError):
        sys.stderr.write("usage: python -P -m workers --endpoint ipc://PATH --worker ID --parent PID\n")
        return USAGE
    parent_death.follow(parent)
    os.environ["GGML_NO_BACKTRACE"] = "1"  # llama.cpp would have a debugger look at its own end
    os.umask(0o077)  # what an engine creates is for this user only
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the client's; SIGTERM keeps its default
    from workers.loop import Worker  # only now: nothing slow comes before the parent is followed

    return Worker(endpoint, worker, parent).run()


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # No interpreter shutdown: engine threads may compute for ever, and taking engines apart can hang.
    os._exit(code)
