"""`ai-pal ps`: the loaded models as a table."""

import argparse

from ai_pal.cli import failures
from ai_pal.cli.running import if_running

EXAMPLES = """examples:
  ai-pal ps
  ai-pal ps --json | jq -r '.[].model'
  ai-pal ps --watch                          models, requests and downloads, live, until q or Ctrl-C
  ai-pal ps --watch --json | jq -c .requests

WINDOW is in tokens, CAN is what the model can be asked for. A narrow terminal gets fewer columns; a pipe, and
--json, get all. Where no supervisor runs, no model is loaded; --watch waits for one, and ends with it.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    parser.add_argument("--json", action="store_true", help="print a JSON array")
    parser.add_argument(
        "--watch", action="store_true",
        help="go on, with what is asked and downloaded too; a pipe gets a line for each change",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    if args.watch:
        from ai_pal.cli.watching import watch_when_running

        return watch_when_running(as_json=args.json)
    with if_running() as client:
        workers = [] if client is None else client.status().workers
    if args.json:
        from ai_pal.cli.terminal.json_output import print_json

        print_json(workers)
    else:
        from ai_pal.cli.terminal.table import terminal_width
        from ai_pal.cli.worker_table import worker_table

        print(worker_table(workers, terminal_width()))
    return 0
