"""`ai-pal machines`: other machines of the user's, added with a pinned identity, listed, checked, removed."""

import argparse
import contextlib
import re
import sys
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ai_pal.cli import failures
from ai_pal.cli.completing import completes
from ai_pal.cli.terminal.agreeing import add_yes, agreed
from ai_pal.cli.terminal.json_output import print_json
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.config import Settings, load_settings
from ai_pal.config.clouds import provider_names
from ai_pal.config.dotted import dotted
from ai_pal.errors import AiPalError, Code, fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_pal.config.machine_settings import MachineSettings
    from ai_pal.machines.seen import Seen
    from ai_pal.protocol.provider import Machine

MOST_PORT = 65535

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


class Row(NamedTuple):
    """A machine as the settings have it: its host key, or its gateway's certificate, by the fingerprint."""

    name: str
    ssh: str
    url: str
    port: int
    host_key: str
    identity: str
    command: str
    model: str


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
    from ai_pal.machines import certificate, there

    rows = [
        Row(
            name,
            one.ssh,
            one.url,
            one.port,
            certificate.fingerprint(one.certificate) if one.url else there.fingerprint(one.host_key),
            one.identity,
            "" if one.url else one.command,
            one.model,
        )
        for name, one in settings.machines.items()
    ]
    if as_json:
        print_json([row._asdict() for row in rows])
    elif not rows:
        print("no other machine is in the settings: ai-pal machines add NAME --ssh user@host")
    else:
        from ai_pal.cli.terminal.table import table, terminal_width

        cells = [
            (row.name, row.url or f"{row.ssh}{_port(row.port)}", row.model or "-", row.host_key)
            for row in rows
        ]
        print(table(("NAME", "WHERE", "MODEL", "KEY"), cells, width=terminal_width()))
    return failures.OK


def _port(port: int) -> str:
    return f" port {port}" if port else ""


def _check(names: list[str], settings: Settings, *, as_json: bool) -> int:
    from ai_pal.cli import machines_at_gateways as at_gateways
    from ai_pal.config.machine_settings import address, mark_of
    from ai_pal.machines.seen import kept, see

    seen: list[Seen] = []
    wanted = {name: machine_named(name, settings) for name in names or settings.machines}
    told = {one.name: one for one in at_gateways.check([n for n, one in wanted.items() if one.url], settings)}
    for name, setting in wanted.items():
        seen.append(kept(told.get(name) or see(name, address(setting)), mark_of(setting)))
        if not as_json:
            _show(seen[-1])
    if as_json:
        print_json(seen)
    elif not seen:
        return _list(settings, as_json=False)
    wrong = [one.failure for one in seen if one.failure is not None]
    return failures.exit_code(wrong[0].code) if wrong else failures.OK


def _show(seen: "Seen") -> None:
    name = neutral_line(seen.name)
    if seen.failure is not None:
        print(neutral_line(f"{name}: {seen.failure.message}"))
        if seen.failure.hint:
            print(neutral_line(f"  {seen.failure.hint}"))
        return
    if seen.version:
        print(neutral_line(f"{name}: AI-PAL {seen.version}, {seen.delay * 1000:.1f} ms away"))
        print(f"  memory for models: {seen.free / 1e9:.1f} GB free of {seen.total / 1e9:.1f} GB")
    else:
        print(f"{name}: its gateway answers")
    print(neutral_line(f"  models: {', '.join(seen.models) or 'none yet'}"))
    if seen.loaded:
        print(neutral_line(f"  loaded: {', '.join(seen.loaded)}"))
    if not seen.models and seen.version:
        print(neutral_line(f"  fetch one: ai-pal pull MODEL --on {seen.name}"))


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
    from ai_pal.machines.seen import kept, see
    from ai_pal.machines.ssh import ADD_SECONDS, fitting_login
    from ai_pal.protocol.provider import Machine

    name = args.name
    _refuse_what_is_none(name, args.ssh, args.port)
    if args.ssh and args.certificate is not None:
        fail(Code.BAD_REQUEST, "--certificate goes with --url, and not with --ssh", "say --host-key")
    if name in settings.machines:
        fail(Code.BAD_REQUEST, f"there is a machine {name} already", f"ai-pal machines remove {name}")
    if name in provider_names(settings) or name in ("local", "ollama"):
        fail(Code.BAD_REQUEST, f"the name {name} means something else already", "choose another name")
    if args.url:
        from ai_pal.cli.machines_at_gateways import add

        return add(args)
    machine = Machine(args.ssh, args.port, login=ADD_SECONDS)
    machine = msgspec.structs.replace(machine, host_key=_trusted_key(name, machine, args.host_key))
    command = args.started or _found_command(name, machine, yes=args.yes)
    machine = msgspec.structs.replace(machine, command=command)
    with _asking(name):
        seen = see(name, machine)
    if seen.failure is not None:
        raise AiPalError(seen.failure)
    model = seen.model if args.model is None else args.model
    machine = msgspec.structs.replace(machine, login=fitting_login(seen.login))
    changed = _written(name, machine, seen.identity, model)
    kept(seen, seen.identity)
    if args.json:
        print_json(seen)
        return failures.OK
    _show(seen)
    if machine.login:
        took = (
            f"its login took {seen.login:.1f} s: asked, it gets {machine.login:g} s (machines.{name}.login)"
        )
        print(neutral_line(f"  {took}"))
    print(neutral_line(f"{name} is in {changed}: ai-pal chat -m {name}:{model or 'MODEL'}"))
    return failures.OK


@contextlib.contextmanager
def _asking(name: str) -> "Iterator[None]":
    """A sign of life: a machine that is off is waited for."""
    from ai_pal.cli.terminal.streams import Terminal
    from ai_pal.cli.terminal.waiting import Waiting

    waiting = Waiting(Terminal.detect())
    waiting.line(f"{name}  waiting for its answer")
    try:
        yield
    finally:
        waiting.end()


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


def _trusted_key(name: str, machine: "Machine", expected: str | None) -> str:
    """The host key, if it is known, expected or agreed to. Raises `AiPalError`."""
    from ai_pal.machines.there import fingerprint, host_key, known_to_user

    with _asking(name):
        key = host_key(name, machine)
    mark = fingerprint(key)
    if expected is not None:
        if expected != mark:
            what = f"the host key of {name} is {mark}, and not {expected}"
            fail(Code.MACHINE_CHANGED, what, "compare it there: ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub")
        return key
    with _asking(name):
        known = known_to_user(machine)
    if known == "changed":
        hint = f"if it is right: ssh-keygen -R HOST, or --host-key {mark}"
        fail(Code.MACHINE_CHANGED, f"the host key of {name} is not the one in your known_hosts", hint)
    if known == "known":
        return key
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        what = f"your known_hosts do not know {name}: its host key is {mark}"
        fail(Code.MACHINE_CHANGED, what, f"if that is right: --host-key {mark}")
    if not agreed(f"{name} has the host key {mark}; is that right", yes=False):
        fail(Code.MACHINE_CHANGED, f"the host key of {name} is not trusted", "nothing is changed")
    return key


def _found_command(name: str, machine: "Machine", *, yes: bool) -> str:
    """How AI-PAL is started there; it is installed where there is none, if that is wanted. Raises
    `AiPalError`."""
    from ai_pal.machines.there import installed, looked

    with _asking(name):
        has = looked(name, machine)
    if has.command:
        return has.command
    if not has.python:
        what = f"{name} has no AI-PAL, and no Python 3.11 or newer that could make a venv for it"
        fail(Code.PIP_MISSING, what, "on Debian and Ubuntu: apt install python3-venv; or say --command")
    if not agreed(f"{name} has no AI-PAL: install this version in ~/.ai-pal/app there", yes=yes):
        fail(Code.PROVIDER_UNREACHABLE, f"{name} has no AI-PAL", "say --command if it is somewhere else")
    from ai_pal.machines.wheel import wheel

    print(f"installing AI-PAL on {neutral_line(name)} (a minute or more)", file=sys.stderr)
    return installed(name, machine, has.python, wheel())


def _written(name: str, machine: "Machine", identity: str, model: str) -> str:
    """Into the settings with it, whole or not at all; the file. Raises `AiPalError`."""
    from ai_pal.config.edit import set_values

    said = {
        "ssh": machine.ssh,
        "port": str(machine.port) if machine.port else "",
        "host_key": machine.host_key,
        "identity": identity,
        "command": machine.command,
        "login": f"{machine.login:g}" if machine.login else "",
        "model": model,
    }
    pairs = {dotted("machines", name, field): text for field, text in said.items() if text}
    return str(set_values(pairs).file)


def machine_named(name: str, settings: Settings) -> "MachineSettings":
    """The machine of the settings that is called so. Raises `AiPalError` (`bad_request`)."""
    if name not in settings.machines:
        known = ", ".join(settings.machines) or "none: ai-pal machines add NAME --ssh user@host"
        fail(Code.BAD_REQUEST, f"there is no machine {name!r}", f"there are {known}")
    return settings.machines[name]
