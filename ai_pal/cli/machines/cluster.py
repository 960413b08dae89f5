"""`ai-pal cluster`: workers on the nodes of a Ray cluster, switched on, and how the nodes are."""

import argparse
import importlib.util
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ai_pal.cli.running import NOT_RUNNING, if_running, running
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.json_output import print_json, whole
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.config import load_settings
from ai_pal.errors import Code, fail, install_extra

if TYPE_CHECKING:
    from ai_pal.protocol.client import NodeStatus, WorkerStatus

EXAMPLES = """examples:
  ai-pal cluster up --ray 10.0.0.1:6379                       the nodes of this Ray cluster
  ai-pal cluster up --ray 10.0.0.1:6379 --listen 10.0.0.5:7700    through a firewall: one port of this machine
  ai-pal cluster status                                       nodes, their memory, what runs there
  ai-pal cluster status --json | jq '.nodes[] | {name, free}'
  ai-pal cluster drain gpu1                                   start nothing there; what answers may end
  ai-pal cluster drain gpu1 --undo

This machine has to be a node of the cluster, with the same versions of Ray, Python and AI-PAL as all others.
Models run on nodes, then, and prompts go there; what is local-only is answered on this machine. To be without
it again: ai-pal config unset cluster.engine
docs/cluster.md goes from nothing to a first answer, and says what protects it.

"""

UP_EXAMPLES = """examples:
  ai-pal cluster up --ray 10.0.0.1:6379
  ai-pal cluster up --ray gpu1:6379 --listen 10.0.0.5:7700
"""

STATUS_EXAMPLES = """examples:
  ai-pal cluster status
  ai-pal cluster status --json | jq '.nodes[] | select(.silent)'
"""

DRAIN_EXAMPLES = """examples:
  ai-pal cluster drain gpu1            before it is switched off, or upgraded
  ai-pal cluster drain gpu1 --undo     it is used again
"""

REACH_SECONDS = 3.0


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    parser.set_defaults(action="status", json=False)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    up = actions.add_parser("up", help="have workers on the nodes of a cluster that runs")
    up.epilog = UP_EXAMPLES
    up.add_argument("--ray", required=True, metavar="HOST:PORT", help="the address of Ray's head")
    up.add_argument(
        "--listen",
        metavar="HOST:PORT",
        help="where nodes connect to this machine (its address on the way to the head, at any port)",
    )
    status = actions.add_parser("status", help="the nodes as the supervisor knows them")
    status.epilog = STATUS_EXAMPLES
    drain = actions.add_parser("drain", help="start nothing more on a node, and let end what runs there")
    drain.epilog = DRAIN_EXAMPLES
    completes(drain.add_argument("node", metavar="NODE", help="its name"), "nodes")
    drain.add_argument("--undo", action="store_true", help="use it again")
    for action in (up, status, drain):
        action.formatter_class = argparse.RawDescriptionHelpFormatter
        action.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    if args.action == "up":
        return _up(args.ray, args.listen, as_json=args.json)
    if args.action == "drain":
        return _drain(args.node, undo=args.undo, as_json=args.json)
    return _status(as_json=args.json)


def _drain(node: str, *, undo: bool, as_json: bool) -> int:
    with running() as client:
        models = client.drain(node, undo)
    if as_json:
        print_json({"node": node, "drained": not undo, "models": models})
    elif undo:
        print(neutral_line(f"{node} is used again"))
    else:
        leaving = ", ".join(models) or "nothing runs there"
        print(neutral_line(f"nothing more is started on {node}; leaving it: {leaving}"))
        print("it holds until `--undo`, or until this supervisor ends; see: ai-pal cluster status")
    return failures.OK


def _up(address: str, listen: str | None, *, as_json: bool) -> int:
    from ai_pal.config.edit import set_values

    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        fail(Code.BAD_REQUEST, f"--ray {address!r} is no HOST:PORT", "such as: --ray 10.0.0.1:6379")
    if importlib.util.find_spec("ray") is None:
        fail(Code.SDK_MISSING, "Ray is not installed here", f"run: {install_extra('cluster')}")
    own = _own_address(host, int(port))
    pairs = {
        "cluster.engine": "ray",
        "cluster.address": address,
        "cluster.listen": listen or f"{own}:*",
    }
    changed = set_values(pairs)
    with if_running() as client:
        runs = client is not None
    if as_json:
        print_json({"file": str(changed.file), "supervisor_runs": runs, **pairs})
        return failures.OK
    print(
        neutral_line(
            f"{changed.file} has the Ray cluster at {address}; nodes connect to {pairs['cluster.listen']}"
        )
    )
    if runs:
        print("the supervisor that runs has begun without it: ai-pal stop")
    print('then: ai-pal chat "..." and ai-pal cluster status')
    return failures.OK


def _own_address(host: str, port: int) -> str:
    """The address of this machine on the way to the head. Raises `AiPalError` if that does not answer."""
    try:
        with socket.create_connection((host, port), REACH_SECONDS) as reached:
            return str(reached.getsockname()[0])
    except OSError as error:
        what = f"Ray's head at {host}:{port} cannot be reached: {error.strerror or error}"
        fail(Code.PROVIDER_UNREACHABLE, what, f"start it there: ray start --head --port={port}")


def _status(*, as_json: bool) -> int:
    cluster = load_settings().settings.cluster
    with if_running() as client:
        status = None if client is None else client.status()
    nodes = [] if status is None else status.nodes
    workers = [] if status is None else status.workers
    if as_json:
        from ai_pal.cli.machines.node_table import models_on

        rows = [{**whole(node), "models": models_on(node.name, workers)} for node in nodes]
        print_json({"engine": cluster.engine, "running": status is not None, "nodes": rows})
    elif not cluster.on and not nodes:
        print("there is no cluster in the settings: ai-pal cluster up --ray HOST:PORT")
    elif status is None:
        print(NOT_RUNNING)
    elif not nodes:
        print("no nodes are known yet: the cluster is starting, or it cannot be had (ai-pal logs)")
    else:
        _show(nodes, workers)
    return failures.OK


def _show(nodes: Sequence["NodeStatus"], workers: Sequence["WorkerStatus"]) -> None:
    from ai_pal.cli.machines.node_table import HEAD, node_cells
    from ai_pal.cli.terminal.table import table, terminal_width

    print(table(HEAD, [node_cells(node, workers) for node in nodes], width=terminal_width()))
