"""`ai-pal update [NAME...]`: which models here have a newer revision on the hub; `--pull` fetches it."""

import argparse
import sys
from collections.abc import Sequence

import msgspec

from ai_pal.catalog.inventory.held import Held, held, names_here
from ai_pal.catalog.inventory.listed import inventory
from ai_pal.catalog.inventory.newer import Compared, compared
from ai_pal.cli.models.pull import fetched
from ai_pal.cli.served import served
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.agreeing import agreed
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.downloads import sized
from ai_pal.cli.terminal.json_output import print_json
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.streams import Terminal, remark
from ai_pal.cli.terminal.table import table, terminal_width
from ai_pal.config import Settings, load_settings
from ai_pal.counted import counted
from ai_pal.errors import AiPalError, Failure
from ai_pal.protocol.hub import MOST_REFERENCES, HubRevision

HEAD = ("NAME", "STATE", "HERE", "ON THE HUB", "CHANGED", "DOWNLOAD", "WHY")
SPARE = ("HERE", "ON THE HUB", "CHANGED", "DOWNLOAD")

EXAMPLES = """examples:
  ai-pal update                      every model that is here
  ai-pal update org/name:Q4_K_M
  ai-pal update --pull               and fetch what is newer, without a question
  ai-pal update --json | jq -r '.[] | select(.verdict == "newer") | .name'

The hub is asked what it has now for each model that came from it; a model is newer there when a file of it
has changed, not when only its page has. On a terminal you are asked whether to fetch it. The commit that was
here stays until you remove it. Exit code 1 where the hub gave no answer for a model.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    names = parser.add_argument("names", nargs="*", metavar="NAME", help="models that are here (all of them)")
    completes(names, "here")
    parser.add_argument("--pull", action="store_true", help="fetch what is newer")
    parser.add_argument("--json", action="store_true", help="print a JSON array")


def run(args: argparse.Namespace) -> int:
    settings = load_settings().settings
    ours = [held(name, settings) for name in dict.fromkeys(args.names)] or _all_here(settings)
    there = _asked(sorted({one.reference for one in ours if one.reference}), settings)
    found = [compared(one, there.get(one.reference)) for one in ours]
    newer = [one for one in found if one.verdict == "newer"]
    if not args.json:
        print(_shown(found))
    wanted = newer if args.pull or (newer and not args.json and _agreed(newer)) else []
    failed: list[Failure] = []
    pulled = _pulled(wanted, settings, failed)
    if args.json:
        print_json([msgspec.to_builtins(one) | {"pulled": pulled.get(one.name, "")} for one in found])
    for one in found if not args.json else ():
        if one.name in pulled:
            print(neutral_line(f"{one.name} is now {pulled[one.name][:12]}"))
            print(neutral_line(f"what was here before stays until: ai-pal rm {one.older}"))
    failures.report(*failed)
    unknown = any(one.verdict == "unknown" for one in found)
    return failures.FAILED if failed or unknown else failures.OK


def _all_here(settings: Settings) -> list[Held]:
    ours = []
    for name in names_here(inventory(settings)):
        try:
            ours.append(held(name, settings))
        except AiPalError as error:
            ours.append(Held(name, why=error.failure.message))
    return ours


def _pulled(newer: Sequence[Compared], settings: Settings, failed: list[Failure]) -> dict[str, str]:
    """The commits that came, by name; one that does not come holds up no other."""
    commits = {}
    for one in newer:
        try:
            commits[one.name] = fetched(one.name, settings, newer=True).commit
        except AiPalError as error:
            failed.append(error.failure)
    return commits


def _asked(references: Sequence[str], settings: Settings) -> dict[str, HubRevision]:
    if not references:
        return {}
    remark(f"asking the hub about {counted(len(references), 'model')}")
    bunches = [references[at : at + MOST_REFERENCES] for at in range(0, len(references), MOST_REFERENCES)]
    said = served(settings, lambda client: [one for bunch in bunches for one in client.revisions(bunch)])
    return {one.reference: one for one in said}


def _agreed(newer: Sequence[Compared]) -> bool:
    here = Terminal.detect()
    if not (here.stdin and here.stderr):
        print("fetch them: ai-pal update --pull", file=sys.stderr)
        return False
    size = sized(sum(one.download for one in newer))
    return agreed(f"fetch {counted(len(newer), 'newer model')} ({size})", yes=False)


def _shown(found: Sequence[Compared]) -> str:
    if not found:
        return "no model is on this machine yet: ai-pal list --all"
    return table(HEAD, [_cells(one) for one in found], width=terminal_width(), spare=SPARE)


def _cells(one: Compared) -> tuple[str, ...]:
    why = f"{one.why}: {one.to_do}" if one.to_do else one.why
    size = sized(one.download) if one.download else "-"
    return (
        one.name,
        one.verdict,
        one.commit[:10] or "-",
        one.newest[:10] or "-",
        one.updated or "-",
        size,
        why,
    )
