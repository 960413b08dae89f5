"""`ai-pal config`: each setting, its value and where that came from."""

import argparse
import json

from ai_pal.config import load_settings, paths
from ai_pal.config.describe import Row, rows


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="show each setting and where it came from")
    show.add_argument("--describe", action="store_true", help="say what each setting means")
    show.add_argument("--json", action="store_true", help="print one JSON object")
    actions.add_parser("path", help="print where the config file is, or would be")


def run(args: argparse.Namespace) -> int:
    if args.action == "path":
        print(paths.config_file())
        return 0
    settings = rows(load_settings())
    if args.json:
        print(json.dumps({row.name: _as_json(row) for row in settings}, indent=2))
    else:
        _print_table(settings, args.describe)
    return 0


def _as_json(row: Row) -> dict[str, object]:
    return {"value": row.value, "origin": row.origin, "about": row.about}


def _print_table(settings: list[Row], describe: bool) -> None:
    name_width = max(len(row.name) for row in settings)
    value_width = max(len(row.text) for row in settings)
    for row in settings:
        print(f"{row.name:{name_width}}  {row.text:{value_width}}  {row.origin}")
        if describe:
            print(f"    {row.about}")
