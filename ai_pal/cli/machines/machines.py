"""`ai-pal machines`: other machines of the user's, added with a pinned identity, listed, checked, removed."""

import argparse
import contextlib
import re
from typing import TYPE_CHECKING

from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.agreeing import add_yes, agreed
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.json_output import print_json
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.config import Settings, load_settings
from ai_pal.config.clouds import provider_names
from ai_pal.config.dotted import dotted
from ai_pal.errors import Code, Failure, fail

if TYPE_CHECKING:
    from ai_pal.config.machine_settings import MachineSettings

MOST_PORT = 65535

CHECK_SECONDS = 60.0
"""For all machines together. What is silent is told by its own limits long before; this is for an AI-PAL
there that has to be started first."""

EXAMPLES = """examples:
  ai-pal machines add box --ssh me@box           looks it up, pins it, says what it has
  ai-pal machines add gpu --ssh gpu.lan --port 2222 --command /opt/ai-pal/bin/ai-pal
  ai-pal machines list
  ai-pal machines check box                      is it there, and what does it have?
  ai-pal machines check --json | jq '.[].free'
  ai-pal machines remove box
  ai-pal chat -m box:qwen3 "..."                 then its models answer too
  ai-pal chat --mine "..."                       on machines of yours, and nowhere else

The system's `ssh` logs in, without a password: a key in the agent, or one without a passphrase. Where your
known_hosts do not know the machine you are asked whether its key is right; --host-key answers beforehand.
docs/machines.md tells all of it.

"""

ADD_EXAMPLES = """examples:
  ai-pal machines add box --ssh me@box               asks whether its key is right, unless you know it
  ai-pal machines add box --ssh box                  as ~/.ssh/config calls it, jump hosts and all
  ai-pal machines add gpu --ssh gpu.lan --port 2222 --command /opt/ai-pal/bin/ai-pal
  ai-pal machines add box --ssh me@box --host-key SHA256:hsLT... --yes    for a script
  ai-pal machines add box --url https://box:11435    its own gateway; then: ai-pal keys set box
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    parser.set_defaults(action="list", json=False)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    what = "look a machine up, pin it, and write it into the settings"
    raw = argparse.RawDescriptionHelpFormatter
    add = actions.add_parser("add", help=what, epilog=ADD_EXAMPLES, formatter_class=raw)
    add.add_argument("name", metavar="NAME", help="what you call it: its models are NAME:MODEL")
    way = add.add_mutually_exclusive_group(required=True)
    way.add_argument("--ssh", metavar="TARGET", help="as `ssh` takes it: user@host, or a name of its config")
    way.add_argument(
        "--url", metavar="URL", help="where its own gateway is, https://box:11435: for answers alone"
    )
    add.add_argument("--port", type=int, default=0, metavar="N", help="its port (what `ssh` says)")
    add.add_argument(
        "--command", dest="started", metavar="COMMAND", help="how AI-PAL is started there (it is looked for)"
    )
    add.add_argument("--model", metavar="MODEL", help="its model where the router chooses (its own default)")
    add.add_argument(
        "--host-key", metavar="SHA256:...", help="the fingerprint that its host key must have"
    )  # fmt: skip
    add.add_argument(
        "--certificate", metavar="SHA256:...", help="the same for the certificate of its gateway"
    )  # fmt: skip
    add_yes(add)
    show = actions.add_parser("list", help="the machines in the settings; asks none of them")
    look = actions.add_parser("check", help="ask machines how they are")
    completes(look.add_argument("names", nargs="*", metavar="NAME", help="which (all)"), "machines")
    out = actions.add_parser("remove", help="take a machine out of the settings")
    completes(out.add_argument("name", metavar="NAME", help="which"), "machines")
    add_yes(out)
    for action in (add, show, look, out):
        action.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    settings = load_settings().settings
    if args.action == "add":
        return _add(args, settings)
    if args.action == "check":
        return _check(args.names, settings, as_json=args.json)
    if args.action == "remove":
        return _remove(args, settings)
    return _list(settings, as_json=args.json)


def _list(settings: Settings, *, as_json: bool) -> int:
    from ai_pal.cli.machines.machine_table import rows_of, table_of

    rows = rows_of(settings)
    if as_json:
        print_json([row._asdict() for row in rows])
    elif not rows:
        print("no other machine is in the settings: ai-pal machines add NAME --ssh user@host")
    else:
        print(table_of(rows))
    return failures.OK


def _check(names: list[str], settings: Settings, *, as_json: bool) -> int:
    from ai_pal.cli.machines import at_gateways
    from ai_pal.cli.machines.machine_table import print_seen
    from ai_pal.config.machine_settings import address, mark_of
    from ai_pal.machines.seen import Seen, kept, see_at_once

    seen: list[Seen] = []
    wanted = {name: machine_named(name, settings) for name in names or settings.machines}
    told = {one.name: one for one in at_gateways.check([n for n, one in wanted.items() if one.url], settings)}
    looks = see_at_once({name: address(one) for name, one in wanted.items() if not one.url}, CHECK_SECONDS)
    for name, setting in wanted.items():
        one = told[name] if setting.url else next(looks)[1]
        seen.append(kept(one or Seen(name, failure=_late(name)), mark_of(setting)))
        if not as_json:
            print_seen(seen[-1])
    if as_json:
        print_json(seen)
    elif not seen:
        return _list(settings, as_json=False)
    wrong = [one.failure for one in seen if one.failure is not None]
    return failures.exit_code(wrong[0].code) if wrong else failures.OK


def _late(name: str) -> Failure:
    what = f"{name} has neither answered nor failed within {CHECK_SECONDS:g} s"
    return Failure(Code.CONNECT_TIMEOUT, what, "look again", retryable=True)


def _remove(args: argparse.Namespace, settings: Settings) -> int:
    from ai_pal.config.edit import unset_value
    from ai_pal.store.machine_models import forget_models

    name = args.name
    machine_named(name, settings)
    if not agreed(f"take {name} and its pinned identity out of the settings", yes=args.yes):
        return failures.FAILED
    changed = unset_value(dotted("machines", name))
    with contextlib.suppress(OSError):
        forget_models(name)
    if args.json:
        print_json({"name": name, "file": str(changed.file)})
    else:
        print(neutral_line(f"{name} is gone from {changed.file}; on it nothing is changed"))
    return failures.OK


def _add(args: argparse.Namespace, settings: Settings) -> int:
    name = args.name
    _refuse_what_is_none(name, args.ssh, args.port)
    if args.ssh and args.certificate is not None:
        fail(Code.BAD_REQUEST, "--certificate goes with --url, and not with --ssh", "say --host-key")
    if name in settings.machines:
        fail(Code.BAD_REQUEST, f"there is a machine {name} already", f"ai-pal machines remove {name}")
    if name in provider_names(settings) or name in ("local", "ollama"):
        fail(Code.BAD_REQUEST, f"the name {name} means something else already", "choose another name")
    if args.url:
        from ai_pal.cli.machines.at_gateways import add

        return add(args)
    from ai_pal.cli.machines.by_ssh import add

    return add(args)


def _refuse_what_is_none(name: str, target: str | None, port: int) -> None:
    """Raises `AiPalError` (`bad_request`) that says which of them is wrong."""
    from ai_pal.config.machine_settings import TARGET, is_machine_name

    if not is_machine_name(name):
        what = f"{name[:80]!r} can be no name of a machine"
        fail(Code.BAD_REQUEST, what, "use letters, digits, '.', '-' and '_', 63 at most, such as: box")
    if target is not None and not re.fullmatch(TARGET, target):
        what = f"--ssh {target[:80]!r} is nothing that `ssh` could go to"
        hint = "user@host, or a name of ~/.ssh/config; a port goes into --port"
        fail(Code.BAD_REQUEST, what, hint)
    if target is not None and (found := re.fullmatch(r"([^:]+):(\d+)", target)):
        what = f"--ssh {target[:80]!r} has a port in it"
        fail(Code.BAD_REQUEST, what, f"say it apart: --ssh {found[1]} --port {found[2]}")
    if not 0 <= port <= MOST_PORT:
        fail(Code.BAD_REQUEST, f"--port {port} is no port", f"from 1 to {MOST_PORT}; left out, as `ssh` says")


def machine_named(name: str, settings: Settings) -> "MachineSettings":
    """The machine of the settings that is called so. Raises `AiPalError` (`bad_request`)."""
    if name not in settings.machines:
        known = ", ".join(settings.machines) or "none: ai-pal machines add NAME --ssh user@host"
        fail(Code.BAD_REQUEST, f"there is no machine {name!r}", f"there are {known}")
    return settings.machines[name]
