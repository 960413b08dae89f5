"""`ai-pal ps`: the loaded models as a table."""

import argparse
from typing import TYPE_CHECKING

from ai_pal.cli.machines.on_machines import add_on
from ai_pal.cli.running import if_running
from ai_pal.cli.terminal import failures

if TYPE_CHECKING:
    from ai_pal.client import Client

EXAMPLES = """examples:
  ai-pal ps
  ai-pal ps --json | jq -r '.[].model'
  ai-pal ps --on box                         on another machine of yours; --all-machines: on all
  ai-pal ps --watch                          models, requests and downloads, live, until q or Ctrl-C
  ai-pal ps --watch --json | jq -c .requests

WINDOW is in tokens, CAN is what the model can be asked for. A narrow terminal gets fewer columns; a pipe, and
--json, get all. Where no supervisor runs, no model is loaded; --watch waits for one, and ends with it.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    add_on(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON array")
    parser.add_argument(
        "--watch", action="store_true",
        help="go on, with what is asked and downloaded too; a pipe gets a line for each change",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    if args.on or args.all_machines:
        return _on_machines(args)
    if args.watch:
        from ai_pal.cli.loaded.watching import watch_when_running

        return watch_when_running(as_json=args.json)
    with if_running() as client:
        workers = [] if client is None else client.status().workers
    if args.json:
        from ai_pal.cli.terminal.json_output import print_json

        print_json(workers)
    else:
        from ai_pal.cli.loaded.worker_table import worker_table
        from ai_pal.cli.terminal.table import terminal_width

        print(worker_table(workers, terminal_width()))
    return 0


def _on_machines(args: argparse.Namespace) -> int:
    from ai_pal.cli.loaded.worker_table import worker_table
    from ai_pal.cli.machines.on_machines import HERE, each, headed, refuse_with, rows
    from ai_pal.cli.terminal.json_output import print_json
    from ai_pal.cli.terminal.table import terminal_width
    from ai_pal.config import load_settings

    refuse_with({"--watch": args.watch})
    found: list[object] = []

    def tell(machine: str, client: "Client | None") -> None:
        workers = [] if client is None else client.status().workers
        found.extend(rows(machine, workers))
        if not args.json:
            print(headed(machine, worker_table(workers, terminal_width())))

    if args.all_machines:
        with if_running() as client:
            tell(HERE, client)
    code = each(args, load_settings().settings, tell)
    if args.json:
        print_json(found)
    return code
