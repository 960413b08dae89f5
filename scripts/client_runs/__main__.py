"""Real agents and libraries against our own `ai-pal serve`, one after the other, each to its end. A scripted
model behind it calls the tools that do the task; nothing but loopback can be reached."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from scripts.client_runs import installing, isolated
from scripts.client_runs.agents import aider, claude, cline, codex, continue_dev, copilot, opencode, pi, qwen
from scripts.client_runs.clients import MOST, WINDOW, Client, Row
from scripts.client_runs.gateway import gateway
from scripts.client_runs.libraries import LIBRARIES
from scripts.client_runs.plans import Plan
from scripts.client_runs.running import run
from scripts.client_runs.scripted_model import ScriptedModel, heard

AGENTS = (claude, codex, opencode, qwen, pi, continue_dev, cline, copilot, aider)
CLIENTS: dict[str, Client] = LIBRARIES | {
    name: one for agent in AGENTS for name, one in agent.CLIENTS.items()
}
HEAD = ("client", "version", "asked", "of the model", "seconds", "")

EXAMPLES = """
examples:
  scripts/clients                    all of them, a few minutes; the first time more to install them
  scripts/clients claude codex       these
  scripts/clients --list             what there is
  scripts/clients codex --keep DIR   what it said and what the model was asked goes to DIR

They are kept in ~/.cache/ai-pal-tests/clients. The exit code is 1 when one failed.
"""


def main() -> int:
    arguments = _arguments()
    if arguments.list:
        print(
            "\n".join(f"{name}: {one.about} ({one.package} {one.version})" for name, one in CLIENTS.items())
        )
        return 0
    names: list[str] = arguments.names or list(CLIENTS)
    if unknown := [name for name in names if name not in CLIENTS]:
        sys.exit(f"clients: there is no {', '.join(unknown)}; see scripts/clients --list")
    if not isolated.is_inside():
        _install(names)
        return isolated.again(sys.argv[1:])
    rows = _rows(names, arguments.keep, arguments.json)
    if not arguments.json:
        print(_table(rows))
    return 1 if any(row.why for row in rows) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/clients",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CLIENTS))
    parser.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument("--json", action="store_true", help="one JSON object a row instead of the table")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep what was said on both sides there")
    return parser.parse_args()


def _install(names: Sequence[str]) -> None:
    """What cannot be brought is said here, and is a row that failed later."""
    for name in names:
        try:
            installing.install(CLIENTS[name].bundle)
        except RuntimeError as error:
            print(f"clients: {name} {error}", file=sys.stderr)


def _rows(names: Sequence[str], keep: Path | None, as_json: bool) -> list[Row]:
    rows = []
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    plans: dict[str, Plan] = {}
    with ScriptedModel(plans) as script, gateway(script.url, names, WINDOW, MOST) as ours:
        for name in names:
            one = CLIENTS[name]
            if not installing.is_here(one.bundle):
                rows.append(Row(name, one.version, "", 0.0, "is not installed"))
            else:
                row = run(name, one, plans, ours, keep)
                rows.append(msgspec.structs.replace(row, heard=heard(script.asked.get(name, []))))
            if keep is not None:
                (keep / f"{name}.json").write_bytes(msgspec.json.encode(script.asked.get(name, [])))
            if as_json:
                print(msgspec.json.encode(rows[-1]).decode(), flush=True)
            else:
                print(f"clients: {name}: {rows[-1].why or 'ok'}", file=sys.stderr)
    return rows


def _table(rows: Sequence[Row]) -> str:
    lines = [HEAD, *((r.name, r.version, r.did, r.heard, f"{r.seconds:.0f}", r.why or "ok") for r in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


if __name__ == "__main__":
    sys.exit(main())
