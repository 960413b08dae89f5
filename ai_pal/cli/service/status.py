"""`ai-pal status`: the supervisor and the models it has loaded."""

import argparse
import sys

from ai_pal.cli.running import NOT_RUNNING, STARTED_BY, if_running
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.wrapping import wrapped

EXAMPLES = """examples:
  ai-pal status
  ai-pal status --json | jq '.workers[] | {model, memory, unloads_in}'
  ai-pal status --json | jq -r '.gateways[].address'            where it is asked over HTTP

In JSON, memory is in bytes and times are in seconds; `running` is false where no supervisor runs.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    with if_running() as client:
        status = None if client is None else client.status()
    if args.json:
        from ai_pal.cli.terminal.json_output import print_json, whole

        found = whole(status) if status else {"workers": [], "gateways": []}
        print_json({"running": status is not None, **found})
        return failures.OK
    if status is None:
        print(NOT_RUNNING)
        print(wrapped(STARTED_BY, sys.stderr), file=sys.stderr)
        return failures.OK
    from ai_pal.cli.loaded.worker_table import duration, megabytes, worker_table
    from ai_pal.cli.terminal.table import terminal_width

    how = "started in the background, ends when idle" if status.auto_started else "in the foreground"
    above = (
        f"ai-pal {neutral_line(status.version)}, pid {status.pid}, {how}\n"
        f"up {duration(status.uptime)}, clients: {status.clients}, memory: {megabytes(status.memory)}\n"
        f"endpoint: {neutral_line(status.endpoint)}\n"
    )
    served = [f"{neutral_line(one.address)} (pid {one.pid})" for one in status.gateways]
    above += f"over HTTP: {', '.join(served)}\n" if served else ""
    print(wrapped(above, sys.stdout))
    print(worker_table(status.workers, terminal_width()))
    if status.nodes:
        from ai_pal.cli.machines.node_table import HEAD, node_cells
        from ai_pal.cli.terminal.table import table

        rows = [node_cells(node, status.workers) for node in status.nodes]
        print(f"\n{table(HEAD, rows, width=terminal_width())}")
    return 0
