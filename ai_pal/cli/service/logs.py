"""`ai-pal logs`: the log of the supervisor."""

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.whole_numbers import whole
from ai_pal.config import paths
from ai_pal.errors import AiPalError, Code, fail
from ai_pal.logs.files import SUPERVISOR, Follower, generations, last_lines

LINES = 50
POLL_SECONDS = 0.1

EXAMPLES = """examples:
  ai-pal logs -n 200
  ai-pal logs -f                          go on as lines are written, until Ctrl-C
  ai-pal logs --json | jq 'select(.level == "warning")'

A supervisor in the foreground (`ai-pal supervise`, also under supervisord or systemd) logs to its own stderr:
where that is a file it is shown, else you are told where to look.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    parser.add_argument("-f", "--follow", action="store_true", help="go on as lines are written")
    parser.add_argument("-n", "--lines", type=whole(), default=LINES, metavar="N", help=f"default: {LINES}")
    parser.add_argument("--json", action="store_true", help="print the lines as they are: JSON")


def run(args: argparse.Namespace) -> int:
    file = _foreground_log() or paths.log_dir() / SUPERVISOR
    if not file.exists() and not args.follow:
        fail(
            Code.FILE_UNREADABLE,
            f"there is no log yet: {file}",
            "the supervisor that `ai-pal chat` starts writes it",
        )
    if not args.follow:
        _print(last_lines(generations(file), args.lines), raw=args.json)
        return 0
    return _follow(file, args.lines, raw=args.json)


def _foreground_log() -> Path | None:
    """The file that a supervisor in the foreground logs to, told on stderr; None where none runs.

    Raises `AiPalError` (`file_unreadable`) where it logs to something else."""
    from ai_pal.cli.running import running
    from ai_pal.cli.service.log_places import log_place

    try:
        with running() as client:
            background, pid = client.welcome.auto_started, client.welcome.pid
    except AiPalError:
        return None
    if background:
        return None
    place = log_place(pid)
    what = neutral_line(f"the supervisor (pid {pid}) runs in the foreground and logs {place.about}")
    if place.file is None:
        fail(Code.FILE_UNREADABLE, what, f"what one in the background logged is in {paths.log_dir()}")
    print(what, file=sys.stderr)
    return place.file


def _follow(file: Path, lines: int, *, raw: bool) -> int:
    with Follower(file, lines) as follower:
        while True:
            _print(follower.read(), raw=raw)
            time.sleep(POLL_SECONDS)


def _print(lines: Iterable[str], *, raw: bool) -> None:
    from ai_pal.cli.service.log_lines import readable

    colour = sys.stdout.isatty()
    for line in lines:
        sys.stdout.write((line if raw else readable(line, colour=colour)) + "\n")
    sys.stdout.flush()
