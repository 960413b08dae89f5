"""`--on NAME` and `--all-machines`: what a command does on other machines of the user's, one after the other.

What one of them cannot do is told, and the next is asked; the exit code is that of the first failure."""

import argparse
import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.streams import remark
from ai_pal.errors import AiPalError, Code, fail

if TYPE_CHECKING:
    from ai_pal.client import Client
    from ai_pal.config import Settings
    from ai_pal.config.machine_settings import MachineSettings

Ask = Callable[[str, "Client"], None]
"""Does it on the machine of this name."""

HERE = "this machine"


def add_on(parser: argparse.ArgumentParser) -> None:
    """The options of every command that can be done elsewhere."""
    where = parser.add_mutually_exclusive_group()
    named = where.add_argument(
        "--on", metavar="NAME", help="on this machine of yours, of those that `ai-pal machines` lists"
    )
    completes(named, "machines")
    where.add_argument(
        "--all-machines", action="store_true", help="on this machine and on all others of yours"
    )


def refuse_with(given: Mapping[str, object]) -> None:
    """Raises `AiPalError` (`bad_request`) for options that are given and mean something here alone."""
    for option, value in given.items():
        if value not in (None, False, ""):
            fail(Code.BAD_REQUEST, f"{option} is for this machine", "leave it out, or --on")


def each(args: argparse.Namespace, settings: "Settings", ask: Ask) -> int:
    """Ask every machine that is meant, but for this one; the exit code."""
    from ai_pal.cli.machines.machines import machine_named
    from ai_pal.config.machine_settings import address
    from ai_pal.machines.reached import reached

    if args.all_machines and not settings.machines:
        fail(Code.BAD_REQUEST, "there are no other machines", "ai-pal machines add NAME --ssh user@host")
    codes = [failures.OK]
    for name in [args.on] if args.on else list(settings.machines):
        setting = machine_named(name, settings)
        if args.all_machines and setting.url:
            remark(f"left out: {name}, which is reached at its gateway")
            continue
        try:
            _refuse_gateway(name, setting)
            with reached(name, address(setting)) as client:
                ask(name, client)
        except AiPalError as error:
            failures.report(error.failure)
            codes.append(failures.exit_code(error.code))
    return next(filter(None, codes), failures.OK)


def _refuse_gateway(name: str, setting: "MachineSettings") -> None:
    """Raises `AiPalError` (`unsupported`) for one that is not reached by ssh."""
    if setting.url:
        what = f"{name} is reached at its gateway, which is asked for answers and for its models alone"
        fail(Code.UNSUPPORTED, what, f"do it there, or add it by ssh too: ai-pal machines add {name}-ssh")


def note_models(name: str, client: "Client", settings: "Settings") -> None:
    """What the machine has by now, for lists and completion, which ask nobody."""
    from ai_pal.config.machine_settings import mark_of
    from ai_pal.store.machine_models import keep_models

    models = [model.name for model in client.models(here=True) if model.purpose == "chat"]
    with contextlib.suppress(OSError):
        keep_models(name, mark_of(settings.machines[name]), models)


def rows(machine: str, values: list[Any]) -> list[dict[str, Any]]:
    """Values for `--json`, each with its machine."""
    return [{"machine": machine, **msgspec.structs.asdict(value)} for value in values]


def headed(machine: str, text: str) -> str:
    """A text below the name of its machine."""
    return f"{neutral_line(machine)}:\n{text}\n"
