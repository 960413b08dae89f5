"""`ai-pal machines` for those that are reached by ssh: added by their host key, with AI-PAL if need be."""

import argparse
import contextlib
import sys
from typing import TYPE_CHECKING

import msgspec

from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.agreeing import agreed
from ai_pal.cli.terminal.json_output import print_json
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.config.dotted import dotted
from ai_pal.errors import AiPalError, Code, fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_pal.protocol.provider import Machine


def add(args: argparse.Namespace) -> int:
    """Look it up, pin it, write it into the settings, and say what it has. Raises `AiPalError`."""
    from ai_pal.cli.machines.machine_table import print_seen
    from ai_pal.machines.seen import kept, see
    from ai_pal.machines.ssh import ADD_SECONDS, fitting_login
    from ai_pal.protocol.provider import Machine

    name = args.name
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
    print_seen(seen)
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
