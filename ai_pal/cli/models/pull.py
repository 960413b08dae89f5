"""`ai-pal pull NAME`: fetch a model into the cache."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ai_pal.catalog import absolute, find
from ai_pal.cli.machines.on_machines import add_on
from ai_pal.cli.models.naming import check_named
from ai_pal.cli.served import served
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.downloads import display
from ai_pal.cli.terminal.json_output import print_json
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.config import Settings, load_settings, paths
from ai_pal.errors import Code, fail
from ai_pal.protocol.client import Pulled, Pulling
from ai_pal.protocol.wanted import Artifact, LocalFile

if TYPE_CHECKING:
    from ai_pal.client import Client

EXAMPLES = """examples:
  ai-pal pull phi-2                  the variant that suits this machine
  ai-pal pull phi-2:q4_k_m           this variant
  ai-pal pull org/name@v1.0          any safetensors model of the hub
  ai-pal pull org/name:Q4_K_M        a GGUF in a repository of the hub
  ai-pal pull phi-2 --on box         onto another machine of yours, by its own network

Ctrl-C stops; the same command again goes on where it stopped.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    name = parser.add_argument(
        "name", metavar="NAME", help="a model that `ai-pal list --all` shows, or one of the hub"
    )
    completes(name, "local")
    source = parser.add_argument(
        "--from", dest="file", metavar="FILE", help="take it from this file instead of the network"
    )
    completes(source, "file")
    parser.add_argument(
        "--no-daemon", action="store_true", help="host the supervisor for this pull only, start none"
    )
    add_on(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    check_named(args.name)
    settings = load_settings().settings
    if args.on or args.all_machines:
        return _on_machines(args, settings)
    name = absolute(args.name, Path.cwd(), settings)
    signal.signal(signal.SIGTERM, _leave)
    begun = time.monotonic()
    pulled = _copied(name, args.file, settings) if args.file else _pulled(name, settings, args.no_daemon)
    if args.json:
        seconds = round(time.monotonic() - begun, 3)
        shown = {"name": args.name, "path": pulled.path, "size": pulled.size, "seconds": seconds}
        print_json(shown | {"variant": pulled.variant, "why": pulled.why, "commit": pulled.commit})
    else:
        print(neutral_line(f"{args.name} is ready: {pulled.path}"))
    return 0


def _on_machines(args: argparse.Namespace, settings: Settings) -> int:
    """Other machines fetch it themselves, each by its own network; this one first, if it is meant too."""
    from ai_pal.cli.machines.on_machines import HERE, each, note_models, refuse_with, rows

    refuse_with({"--from": args.file, "--no-daemon": args.no_daemon})
    found: list[object] = []

    def ask(machine: str, client: "Client") -> None:
        pulled = _followed(client, args.name, newer=False)
        found.extend(rows(machine, [pulled]))
        if machine != HERE:
            note_models(machine, client, settings)
        if not args.json:
            print(neutral_line(f"{machine}: {args.name} is ready: {pulled.path}"))

    if args.all_machines:
        served(settings, lambda client: ask(HERE, client))
    code = each(args, settings, ask)
    if args.json:
        print_json(found)
    return code


def _pulled(name: str, settings: Settings, alone: bool) -> Pulled:
    found = find(name, settings)  # what is wrong with the name needs no supervisor
    if found.is_here and not found.path and found.problem is None:
        what = f"{found.name} is built in: there is nothing to pull"
        fail(Code.MODEL_INVALID, what, f"ai-pal chat --model {found.name}")
    if found.verified:
        return Pulled(0, found.name, found.path, found.size, found.variant, found.reason, found.commit)
    if found.variant and found.reason and not found.path:
        print(neutral_line(found.reason), file=sys.stderr)
    return fetched(name, settings, alone=alone)


def fetched(name: str, settings: Settings, *, newer: bool = False, alone: bool = False) -> Pulled:
    """Bring a model, with its progress on stderr; `newer`: what the hub has now, although it is here."""
    return served(settings, lambda client: _followed(client, name, newer), own=alone)


def _followed(client: "Client", name: str, newer: bool) -> Pulled:
    progress = display()
    try:
        progress.show(Pulling(0, name, 0, 0))  # it may take seconds until there is more to say
        for event in client.pull(name, newer=newer):
            if isinstance(event, Pulling):
                progress.show(event)
            else:
                return event
    finally:
        progress.end()
    raise AssertionError("a pull ends with `Pulled` or an exception")


def _copied(name: str, file: str, settings: Settings) -> Pulled:
    """A file that is on this machine needs no other process."""
    from ai_pal.sources import pull

    source = LocalFile(os.path.abspath(paths.expanded(file)))
    found = find(name, settings)
    if found.verified and isinstance(found.wanted, Artifact):
        print(neutral_line(f"{found.name} is here already and whole: {file} is not read"), file=sys.stderr)
    progress = display()
    try:
        path = pull(name, settings, lambda done, total: progress.show(Pulling(0, name, done, total)), source)
    finally:
        progress.end()
    return Pulled(0, name, str(path), path.stat().st_size)


def _leave(_signal: int, _frame: Any) -> None:
    # An exception, so that the supervisor is told.
    raise SystemExit(128 + signal.SIGTERM)
