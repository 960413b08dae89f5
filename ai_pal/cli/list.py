"""`ai-pal list`: the models that can be named, and which of them are on this machine."""

import argparse
import time

from ai_pal.catalog.inventory import Listed, inventory
from ai_pal.cli import failures
from ai_pal.cli.terminal.json_output import print_json
from ai_pal.cli.terminal.table import table, terminal_width
from ai_pal.config import load_settings
from ai_pal.counted import counted

HEAD = ("NAME", "SIZE", "STATE", "REVISION", "LAST USED", "SOURCE", "PATH")
SPARE = ("REVISION", "SOURCE", "LAST USED")
"""What a narrow terminal does without, in this order."""

EXAMPLES = """examples:
  ai-pal list
  ai-pal list --json | jq -r '.[] | select(.state != "not here") | .name'

A narrow terminal gets fewer columns and shorter paths; a pipe, and --json, get all.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    parser.add_argument("--json", action="store_true", help="print a JSON array")


def run(args: argparse.Namespace) -> int:
    models = inventory(load_settings().settings)
    if args.json:
        print_json(models)
    else:
        print(table(HEAD, [_cells(model) for model in models], width=terminal_width(), spare=SPARE))
    return 0


def _cells(model: Listed) -> tuple[str, ...]:
    size = f"{model.size / 1e6:,.0f} MB" if model.size else "-"
    # A model of one's own cannot be pulled.
    to_pull = model.state in ("not here", "damaged") and model.source != "config"
    where = f"ai-pal pull {model.name}" if to_pull else model.path or "-"
    revision = model.revision[:10] or "-"
    return model.name, size, model.state, revision, _ago(model.last_used), model.source or "-", where


def _ago(at: float | None) -> str:
    """How long ago that was, in the largest unit that fits."""
    if at is None:
        return "-"
    seconds = max(0, int(time.time() - at))
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if count := seconds // length:
            return f"{counted(count, unit)} ago"
    return "just now"
