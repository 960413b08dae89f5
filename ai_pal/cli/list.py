"""`ai-pal list`: the models that can be named, and which of them are on this machine."""

import argparse

from ai_pal.cli.json_output import print_json
from ai_pal.cli.table import table
from ai_pal.config import load_settings
from ai_pal.sources.inventory import Listed, inventory


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print a JSON array")


def run(args: argparse.Namespace) -> int:
    models = inventory(load_settings().settings)
    if args.json:
        print_json(models)
    else:
        print(table(("NAME", "SIZE", "STATE", "SOURCE", "PATH"), [_cells(model) for model in models]))
    return 0


def _cells(model: Listed) -> tuple[str, ...]:
    size = f"{model.size / 1e6:,.0f} MB" if model.size else "-"
    # A model of one's own cannot be pulled.
    to_pull = model.state in ("not here", "damaged") and model.source != "config"
    where = f"ai-pal pull {model.name}" if to_pull else model.path or "-"
    return model.name, size, model.state, model.source or "-", where
