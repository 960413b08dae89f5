"""`ai-pal supervise`: the supervisor in the foreground, for a terminal, supervisord or systemd."""

import argparse
import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from ai_pal.cli.terminal import failures
from ai_pal.config import paths
from ai_pal.config.current import CurrentSettings
from ai_pal.config.load import variables_in_force
from ai_pal.config.owners import supervisor_environment
from ai_pal.errors import FREE_SPACE, FULL, AiPalError, Code, Failure
from ai_pal.protocol.report import Report
from ai_pal.transport.run_directory import RunDirectory
from ai_pal.transport.run_files import may_leave

TAKE_OVER_TIMEOUT = 15.0

EXAMPLES = """examples:
  ai-pal supervise                       run until Ctrl-C
  ai-pal supervise --http                and answer over HTTP at http.listen (127.0.0.1:11435)
  ai-pal supervise --http 127.0.0.1:8080
  AI_PAL_LOG_FORMAT=json ai-pal supervise
  mkdir -p ~/.ai-pal && supervisord -n -c supervisord.conf     run under supervisord

It takes over from a supervisor that `ai-pal chat` started in the background, and refuses to
start beside another one. SIGTERM lets running answers finish for `drain_seconds`, then stops.
With --http, or `http.start` in the config file, a process of its own answers over HTTP: one that dies
is started again. It ends with the supervisor. `ai-pal status` shows where it listens.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    parser.add_argument(
        "--http",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help="answer over HTTP too, at ADDRESS:PORT or the path of a Unix socket; default: http.listen",
    )
    parser.add_argument("--log-level", choices=["debug", "info", "warning", "error"], help="default: info")
    parser.add_argument("--log-format", choices=["auto", "text", "json"], help="default: auto")
    parser.add_argument("--auto", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--owner", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--run-dir", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--report-fd", type=int, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    report = _reporter(args.report_fd)
    try:
        overrides = {"log_level": args.log_level, "log_format": args.log_format}
        # In the background it serves others too: what its first client's environment says of that client's
        # own requests goes with these.
        environ = supervisor_environment() if args.auto else os.environ
        _supervise(args, CurrentSettings(overrides, environ), report)
    except AiPalError as error:
        report(Report(failure=error.failure))
        raise
    except OSError as error:
        failure = _machine_says(error)
        report(Report(failure=failure))
        raise AiPalError(failure) from error
    return 0


def _machine_says(error: OSError) -> Failure:
    where = f" ({error.filename})" if error.filename else ""
    message = f"the supervisor cannot start: {error.strerror}{where}"
    if error.errno in FULL:
        return Failure(Code.DISK_FULL, message, FREE_SPACE)
    return Failure(Code.INTERNAL, message, "mend that and start again")


def _supervise(args: argparse.Namespace, current: CurrentSettings, report: Callable[[Report], None]) -> None:
    front = None
    if not (args.auto or args.owner) and (args.http is not None or current.settings.http.start):
        from ai_pal.cli.service import http_children

        # Before it takes over: where nobody can listen, what runs is left as it is.
        front = http_children.wanted(args.http or "", current.settings)
    held = _hold(args.run_dir or paths.run_dir(), auto_started=args.auto, temporary=bool(args.run_dir))
    from ai_pal import logs  # only now: of many starts at once all but one have ended above
    from ai_pal.server import app

    file = paths.log_dir() / "supervisor.log" if args.auto else None
    settings = current.settings
    logs.configure(settings.log_level, settings.log_format, file)
    if variables := variables_in_force(current.origins):
        logs.get_logger("ai_pal").info("settings_of_the_environment", variables=variables)
    with contextlib.ExitStack() as stack:
        gateways = None
        if front is not None:
            gateways = app.GatewaySpec(*stack.enter_context(http_children.children_of(front, held, settings)))
        hosting = app.Hosting(args.auto, args.owner, gateways)
        app.run(current, hosting, held, lambda where: report(Report(endpoint=where)))


def _hold(folder: Path, *, auto_started: bool, temporary: bool) -> RunDirectory:
    """Take the lock; one in the foreground takes it over from one in the background."""
    deadline = time.monotonic() + TAKE_OVER_TIMEOUT
    asked = False
    while True:
        try:
            paths.make_private(folder)
            return RunDirectory.acquire(folder, auto_started=auto_started, temporary=temporary)
        except AiPalError as error:
            if error.code != Code.SUPERVISOR_RUNNING or auto_started or time.monotonic() > deadline:
                raise
            if not asked and not (may_leave(folder) and _ask_to_leave()):
                raise
            asked = True
            time.sleep(0.05)
        except FileNotFoundError:  # swept between the two
            if time.monotonic() > deadline:
                raise


def _ask_to_leave() -> bool:
    """Ask an auto-started supervisor to stop; False when the one that runs is not of that kind."""
    from ai_pal.client import Client, older
    from ai_pal.client.daemon import endpoint

    try:
        with Client(endpoint()) as client:
            if client.welcome.auto_started:
                client.stop()
                return True
    except AiPalError as error:
        if error.code == Code.PROTOCOL_MISMATCH:
            with contextlib.suppress(AiPalError):
                older.stop(endpoint(), only_background=True)
                return True
    return False


def _reporter(fd: int | None) -> Callable[[Report], None]:
    """Writes one report to the pipe that whoever started us reads, if there is one."""
    open_fds = [] if fd is None else [fd]

    def report(what: Report) -> None:
        for pipe in open_fds:
            with contextlib.suppress(OSError):
                os.write(pipe, msgspec.json.encode(what) + b"\n")
                os.close(pipe)
        open_fds.clear()

    return report
