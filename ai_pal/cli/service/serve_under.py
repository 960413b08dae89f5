"""The gateway as a child of a supervisor: `python -P -m ai_pal.cli.service.serve_under --endpoint ...
--worker ID --parent PID FLAGS`, where FLAGS are those of `ai-pal serve`. It ends when the supervisor is
gone."""

import os
import signal
import sys

from ai_pal.transport import parent_death

GIVEN = ("--endpoint", "--worker", "--parent")
"""What every child of a supervisor is given, each with a value; the flags follow."""


def main(argv: list[str]) -> int:
    """Run the gateway to its end; returns the exit code."""
    given, flags = argv[: 2 * len(GIVEN)], argv[2 * len(GIVEN) :]
    arguments = dict(zip(given[::2], given[1::2], strict=False))
    if tuple(arguments) != GIVEN or not arguments["--parent"].isdigit():
        sys.stderr.write("this is started by: ai-pal supervise --http\n")
        return 64
    # Its answers end in words, so it is asked to end, not killed.
    parent_death.follow(int(arguments["--parent"]), signal.SIGTERM)
    os.umask(0o077)
    from ai_pal.cli import run  # only now: nothing slow comes before the parent is followed

    return run(["serve", *flags])


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    # No interpreter shutdown: nothing is left to do, and it takes as long as all the rest of the end.
    os._exit(code)
