"""`ai-pal config`: each setting, its value and where that came from; and changes to the config file."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from ai_pal.catalog.references.naming import check_model
from ai_pal.cli.setup.restarting import remark_on_restart
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.json_output import print_json
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.table import table, terminal_width
from ai_pal.config import load_settings, paths
from ai_pal.config.describe import Row, row_of, rows
from ai_pal.config.dotted import dotted
from ai_pal.errors import Code, fail

_HEAD = ("SETTING", "VALUE", "FROM", "MEANING")

EXAMPLES = """examples:
  ai-pal config show --describe
  ai-pal config get keep_alive            as it is in force, wherever that was said
  ai-pal config set keep_alive 10m
  ai-pal config set preload phi-2,smollm2
  ai-pal config set models.llama3.2.context 4096
  ai-pal config set prices.openai:gpt-4.input 30 prices.openai:gpt-4.output 60
  ai-pal config unset keep_alive
  ai-pal config edit                      in $VISUAL or $EDITOR

What is changed is checked first: a mistake leaves the file as it is. Comments, order and formatting stay.
Keys of providers are no arguments, which everybody on this machine sees: ai-pal keys set PROVIDER.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    parser.set_defaults(print_help=parser.print_help)
    show = actions.add_parser("show", help="show each setting and where it came from")
    show.add_argument("--describe", action="store_true", help="say what each setting means")
    show.add_argument("--json", action="store_true", help="print one JSON object")
    get = actions.add_parser("get", help="print the value of one setting that is in force")
    completes(get.add_argument("key", metavar="KEY", help="a setting, as `config show` names it"), "settings")
    get.add_argument("--json", action="store_true", help="print one JSON object")
    put = actions.add_parser("set", help="set settings in the config file, all or none")
    key = put.add_argument("key", metavar="KEY", help="a setting, as `config show` names it")
    completes(key, "settings")
    put.add_argument("value", metavar="VALUE", help="its value; those of a list are separated by commas")
    put.add_argument(
        "more", nargs="*", metavar="KEY VALUE", help="more of them, that only make sense together"
    )
    take = actions.add_parser("unset", help="take a setting out of the config file")
    key = take.add_argument("key", metavar="KEY", help="a setting, or a table such as models.NAME")
    completes(key, "settings")
    actions.add_parser("edit", help="change the config file in your editor")
    actions.add_parser("path", help="print where the config file is, or would be")


def run(args: argparse.Namespace) -> int:
    if args.action is None:
        args.print_help()
        return failures.USAGE
    return _ACTIONS[args.action](args)


def _path(_: argparse.Namespace) -> int:
    print(paths.config_file())
    return failures.OK


def _show(args: argparse.Namespace) -> int:
    settings = rows(load_settings())
    if args.json:
        print_json({row.name: _as_json(row) for row in settings})
    elif args.describe:
        print(table(_HEAD, [(row.name, row.text, row.origin, row.about) for row in settings]))
    else:
        lines = [(row.name, row.text, row.origin) for row in settings]
        print(table(_HEAD[:3], lines, width=terminal_width(), spare=("FROM",)))
    return failures.OK


def _get(args: argparse.Namespace) -> int:
    from ai_pal.config.edit import key_of

    path = key_of(args.key).path
    row = row_of(path, load_settings())
    if row is None:
        print(neutral_line(f"{dotted(*path)} is not set"), file=sys.stderr)
        return failures.FAILED
    if args.json:
        print_json({"name": row.name, **_as_json(row)})
    else:
        print(neutral_line(row.text))
    return failures.OK


def _set(args: argparse.Namespace) -> int:
    from ai_pal.config.edit import key_of, set_values

    words = [args.key, args.value, *args.more]
    if len(words) % 2:
        fail(Code.BAD_REQUEST, f"{words[-1]} has no value", "ai-pal config set KEY VALUE [KEY VALUE ...]")
    pairs = dict(zip(words[::2], words[1::2], strict=True))
    _check_models(pairs)
    _check_cache(pairs.get("model_cache_dir", ""))
    made = set_values(pairs)
    shown = {row.name: row.text for row in rows(load_settings(environ=_only_files()))}
    for key, value in pairs.items():
        name = dotted(*key_of(key).path)
        print(neutral_line(f"{name} = {shown.get(name) or value}"))
        _tell_of_variables(name)
    print(neutral_line(f"in {made.file}"))
    remark_on_restart()
    return failures.OK


def _check_models(pairs: dict[str, str]) -> None:
    """Raises `AiPalError` where a setting is to name a model that nobody could mean. It need not be here."""
    from ai_pal.config.edit import key_of

    said = [(key_of(key).path, value) for key, value in pairs.items()]
    named = [value for path, value in said if path[0] in ("model", "local", "models") and path[-1] == "model"]
    named += [one for path, value in said if path == ("preload",) for one in value.split(",")]
    settings = load_settings(environ=_only_files()).settings
    own = {*settings.models, *(path[1] for path, _ in said if path[0] == "models")}
    for name in (one.strip() for one in named):
        if name and name.partition("?")[0] not in own:
            check_model(name, settings)


def _check_cache(place: str) -> None:
    """Raises `AiPalError` where models could never lie there."""
    if place and Path(paths.expanded(place)).is_file():
        fail(Code.CONFIG_INVALID, f"model_cache_dir: {place} is a file", "name a folder; nothing is changed")


def _unset(args: argparse.Namespace) -> int:
    from ai_pal.config.edit import unset_value

    made = unset_value(args.key)
    what = "is no longer set" if made.changed else "was not set"
    print(neutral_line(f"{args.key} {what} in {made.file}"))
    _tell_of_variables(args.key)
    remark_on_restart()
    return failures.OK


def _edit(_: argparse.Namespace) -> int:
    from ai_pal.cli.setup.config_editor import edit_config

    code = edit_config(paths.config_file())
    remark_on_restart()
    return code


def _only_files() -> dict[str, str]:
    """The environment without settings: what the file alone says."""
    from ai_pal.config.load import setting_variables

    return {name: value for name, value in os.environ.items() if name not in setting_variables()}


def _tell_of_variables(key: str) -> None:
    """A variable that is set comes before the file."""
    from ai_pal.config.load import setting_variables

    for variable, name in setting_variables().items():
        if name == key and os.environ.get(variable):
            print(f"{variable} is set, and comes before the file", file=sys.stderr)


def _as_json(row: Row) -> dict[str, object]:
    return {"value": row.value, "origin": row.origin, "about": row.about}


_ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "path": _path,
    "show": _show,
    "get": _get,
    "set": _set,
    "unset": _unset,
    "edit": _edit,
}
