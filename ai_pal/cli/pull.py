"""`ai-pal pull NAME`: fetch a model into the cache."""

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from ai_pal.catalog import LocalFile
from ai_pal.cli.json_output import print_json
from ai_pal.config import load_settings
from ai_pal.sources import pull

Report = Callable[[int, int], None]


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a model that `ai-pal list` shows")
    parser.add_argument(
        "--from", dest="file", metavar="FILE", help="take it from this file instead of the network"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    settings = load_settings().settings
    source = LocalFile(os.path.abspath(os.path.expanduser(args.file))) if args.file else None
    signal.signal(signal.SIGTERM, _leave)
    begun = time.monotonic()
    with _reporter(args.name) as report:
        path = pull(args.name, settings, report, source)
    if args.json:
        size, seconds = path.stat().st_size, round(time.monotonic() - begun, 3)
        print_json({"name": args.name, "path": str(path), "size": size, "seconds": seconds})
    else:
        print(f"{args.name} is ready: {path}")
    return 0


def _leave(_signal: int, _frame: Any) -> None:
    # An exception, so that pip is ended and the half download is swept.
    raise SystemExit(128 + signal.SIGTERM)


def _reporter(name: str) -> contextlib.AbstractContextManager[Report]:
    return _bar(name) if sys.stderr.isatty() else contextlib.nullcontext(_Lines(name).report)


@contextlib.contextmanager
def _bar(name: str) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.progress import TransferSpeedColumn as SpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        SpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"pulling {name}", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


class _Lines:
    """A line for every tenth of the way, for logs and pipes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tenth = -1

    def report(self, done: int, total: int) -> None:
        tenth = 10 * done // total if total else 0
        if tenth > self._tenth:
            self._tenth = tenth
            text = f"pulling {self._name}: {tenth * 10}% ({done / 1e6:.0f} of {total / 1e6:.0f} MB)"
            print(text, file=sys.stderr, flush=True)
