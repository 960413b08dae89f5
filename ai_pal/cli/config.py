"""`ai-pal config`: each setting, its value and where that came from."""

import argparse

from ai_pal.cli import failures
from ai_pal.cli.json_output import print_json
from ai_pal.cli.table import table
from ai_pal.config import load_settings, paths
from ai_pal.config.describe import Row, rows

_HEAD = ("SETTING", "VALUE", "FROM", "MEANING")


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    parser.set_defaults(print_help=parser.print_help)
    show = actions.add_parser("show", help="show each setting and where it came from")
    show.add_argument("--describe", action="store_true", help="say what each setting means")
    show.add_argument("--json", action="store_true", help="print one JSON object")
    actions.add_parser("path", help="print where the config file is, or would be")


def run(args: argparse.Namespace) -> int:
    if args.action is None:
        args.print_help()
        return failures.USAGE
    if args.action == "path":
        print(paths.config_file())
        return failures.OK
    settings = rows(load_settings())
    if args.json:
        print_json({row.name: _as_json(row) for row in settings})
    elif args.describe:
        print(table(_HEAD, [(row.name, row.text, row.origin, row.about) for row in settings]))
    else:
        print(table(_HEAD[:3], [(row.name, row.text, row.origin) for row in settings]))
    return failures.OK


def _as_json(row: Row) -> dict[str, object]:
    return {"value": row.value, "origin": row.origin, "about": row.about}
