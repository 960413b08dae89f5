"""`ai-pal stop`: stop the supervisor; its models go with it."""

import argparse
import contextlib
import shlex
import time

from ai_pal.cli.running import NOT_RUNNING, running
from ai_pal.cli.terminal import failures
from ai_pal.client import older
from ai_pal.client.core import to_end
from ai_pal.client.daemon import endpoint
from ai_pal.errors import AiPalError, Code, fail

WAIT_SECONDS, LOOK_SECONDS = 60.0, 0.1

EXAMPLES = """examples:
  ai-pal stop
  ai-pal stop --wait && ai-pal supervise

That none was running is no error. Running answers may go on for the setting `drain_seconds`, then they
are interrupted. What supervisord or systemd keeps running comes back: stop it there, e.g.
supervisorctl stop ai-pal.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    parser.add_argument("models", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--wait", action="store_true", help="return when it has ended")


def run(args: argparse.Namespace) -> int:
    if args.models:  # `ollama stop MODEL` unloads
        names = " ".join(map(shlex.quote, args.models))
        fail(Code.BAD_REQUEST, "this stops the supervisor, and all models with it", f"ai-pal unload {names}")
    try:
        with running() as client:
            pid = client.welcome.pid
            client.stop()
    except AiPalError as error:
        if error.code == Code.SUPERVISOR_UNREACHABLE:
            print(NOT_RUNNING)
            return failures.OK
        if error.code != Code.PROTOCOL_MISMATCH:
            raise
        pid = older.stop(endpoint()).pid
    if args.wait:
        _wait(pid)
    print(f"the supervisor (pid {pid}) {'has ended' if args.wait else 'is stopping'}")
    return 0


def _wait(pid: int) -> None:
    """Until the process is gone, and with it its lock and its sockets."""
    import psutil

    deadline = time.monotonic() + WAIT_SECONDS
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        while process.status() != psutil.STATUS_ZOMBIE:  # which only its parent has not asked after
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(LOOK_SECONDS)
                return
            if time.monotonic() > deadline:
                fail(
                    Code.INTERNAL,
                    f"the supervisor (pid {pid}) has not ended within {WAIT_SECONDS:.0f} s",
                    f"see `ai-pal logs`; `{to_end(pid)}` ends it",
                )
