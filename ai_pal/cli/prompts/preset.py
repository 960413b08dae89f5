"""`ai-pal preset`: a model, a system prompt and parameters under a name, for `ai-pal chat -p NAME`."""

import argparse
from collections.abc import Callable
from typing import Any

import msgspec

from ai_pal.catalog.references.naming import check_model
from ai_pal.catalog.references.text import is_path
from ai_pal.cli.prompts.arguments import absolute_model, add_bounds
from ai_pal.cli.prompts.given_prompt import checked_argument
from ai_pal.cli.prompts.options import add_form, add_prefill, add_sampling, add_thinking
from ai_pal.cli.prompts.presetting import given
from ai_pal.cli.prompts.values import option
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.agreeing import add_yes, agreed
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.neutral import neutral, neutral_line
from ai_pal.config import load_settings, paths, presets
from ai_pal.config.presets import FIELDS, Preset
from ai_pal.errors import AiPalError, Code, fail

EXAMPLES = """examples:
  ai-pal preset set reviewer -s "You review code. Be brief." --temperature 0.2 -m phi-3
  ai-pal chat -p reviewer "..."
  ai-pal chat -p reviewer --temperature 0.8     an option goes over what the preset says
  ai-pal preset set reviewer --unset model
  ai-pal preset edit reviewer                   in $VISUAL or $EDITOR
  ai-pal preset list --json | jq -r '.[].name'

Each preset is a file, NAME.toml, in ~/.ai-pal/presets, readable by you only; of a name with an owner and a
tag (me/reviewer:v2) it has %2F for / and %3A for :.

"""

_FORMS = {"schema": "grammar", "grammar": "schema"}
"""An answer has one form: each takes the place of the other."""

_NEW = f"""# A preset of AI-PAL: fields that are left out are the usual ones.
# There are: {", ".join(FIELDS)}
#
# system = "You are brief."
# temperature = 0.2
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    parser.set_defaults(action="list", json=False)
    every = actions.add_parser("list", help="list the presets")
    show = actions.add_parser("show", help="show one preset")
    put = actions.add_parser("set", help="make a preset, or change fields of one")
    rm = actions.add_parser("rm", help="remove a preset")
    add_yes(rm)
    edit = actions.add_parser("edit", help="change a preset in your editor, or make one")
    for action in (show, put, rm, edit):
        completes(action.add_argument("name", metavar="NAME", help="the name of the preset"), "presets")
    for action in (every, show):
        action.add_argument("--json", action="store_true", help="print JSON")
    _add_fields(put)


def _add_fields(put: argparse.ArgumentParser) -> None:
    model = put.add_argument("-m", "--model", default="", metavar="MODEL", help="as for `ai-pal chat`")
    completes(model, "models")
    put.add_argument("-s", "--system", metavar="TEXT", help="the system prompt")
    add_sampling(put.add_argument_group("sampling"))
    form = put.add_argument_group("form of the answer")
    add_form(form)
    add_prefill(form)
    add_thinking(put.add_argument_group("thinking"))
    put.add_argument("--context", type=option("context"), metavar="N", help="as for `ai-pal chat`")
    add_bounds(put.add_argument_group("who answers"))
    put.add_argument(
        "--unset", action="append", default=[], choices=FIELDS, metavar="FIELD",
        help=f"take a field out (repeatable): {', '.join(FIELDS)}",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    return _ACTIONS[args.action](args)


def _list(args: argparse.Namespace) -> int:
    found = [_listed(name) for name in presets.names()]
    if args.json:
        _print_json(found)
    elif found:
        from ai_pal.cli.terminal.table import table, terminal_width

        rows = [(one["name"], one.get("model", "-"), _rest(one), _first_line(one)) for one in found]
        print(table(("NAME", "MODEL", "PARAMETERS", "SYSTEM"), rows, width=terminal_width()))
    else:
        print("there is no preset yet; make one: ai-pal preset set NAME --system TEXT")
    return failures.OK


def _show(args: argparse.Namespace) -> int:
    found = presets.load_preset(args.name)
    if args.json:
        _print_json({"name": args.name} | msgspec.to_builtins(found))
        return failures.OK
    for field, value in msgspec.to_builtins(found).items():
        print(neutral(f"{field:11} {_shown(value)}"))
    return failures.OK


def _set(args: argparse.Namespace) -> int:
    if args.model:
        args.model = absolute_model(args.model)
        if not is_path(args.model):  # a file may come later
            check_model(args.model, load_settings().settings)
    if args.system is not None:
        args.system = checked_argument(args.system)
    said = given(args)
    if both := {*msgspec.to_builtins(said)} & {*args.unset}:
        fail(Code.BAD_REQUEST, f"{both.pop()} is set and unset at once", "do one of them")
    if said == Preset() and not args.unset:
        fail(Code.BAD_REQUEST, "there is nothing to keep", f"ai-pal preset set {args.name} --system TEXT")
    other = [name for name, form in _FORMS.items() if getattr(said, form) is not None]
    presets.save_fields(args.name, said, [*args.unset, *other])
    print(neutral_line(f"{args.name} is kept; use it: ai-pal chat -p {args.name}"))
    return failures.OK


def _rm(args: argparse.Namespace) -> int:
    if presets.named(args.name) and not agreed(f"remove the preset {args.name}", yes=args.yes):
        return failures.FAILED
    presets.remove(args.name)
    print(neutral_line(f"the preset {args.name} is removed"))
    return failures.OK


def _edit(args: argparse.Namespace) -> int:
    from ai_pal.cli.terminal.file_editor import End, edited

    file = presets.place(args.name)
    ended = edited(
        presets.read_text(args.name) or _NEW,
        file.name,
        lambda text: _check(text, str(file)),
        lambda text: presets.write_text(args.name, text),
    )
    says = {
        End.TAKEN: "is kept",
        End.SAME: "is as it was",
        End.DROPPED: "is as it was: the changes are dropped",
    }
    print(neutral_line(f"{args.name} {says[ended]} ({paths.presets_dir()})"))
    return failures.FAILED if ended is End.DROPPED else failures.OK


def _check(text: str, where: str) -> None:
    presets.parse(text, where)


def _listed(name: str) -> dict[str, Any]:
    """One preset as plain data; what is wrong with it where it cannot be used."""
    try:
        return {"name": name, **msgspec.to_builtins(presets.load_preset(name))}
    except AiPalError as error:
        return {"name": name, "problem": error.failure.message}


def _rest(one: dict[str, Any]) -> str:
    shown = {field: value for field, value in one.items() if field not in ("name", "model", "system")}
    return " ".join(f"{field}={_shown(value)}" for field, value in shown.items()) or "-"


def _first_line(one: dict[str, Any]) -> str:
    return str(one.get("system", "-")).strip().partition("\n")[0]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _print_json(value: Any) -> None:
    from ai_pal.cli.terminal.json_output import print_json

    print_json(value)


_ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "list": _list,
    "show": _show,
    "set": _set,
    "rm": _rm,
    "edit": _edit,
}
