"""`ai-pal unload MODEL...|--all`: unload models and free their memory."""

import argparse
from typing import TYPE_CHECKING

from ai_pal.cli.machines.on_machines import add_on, each
from ai_pal.cli.running import if_running
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.config import load_settings
from ai_pal.errors import AiPalError, Code, fail

if TYPE_CHECKING:
    from ai_pal.client import Client

EXAMPLES = """examples:
  ai-pal unload smollm2
  ai-pal unload smollm2 phi-3
  ai-pal unload --all
  ai-pal unload qwen3 --on box       on another machine of yours; --all-machines: on all

A busy model first finishes what it is answering. That a model was not loaded is no error.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    models = parser.add_argument("models", nargs="*", metavar="MODEL", help="a model that `ai-pal ps` shows")
    completes(models, "loaded")
    parser.add_argument("--all", action="store_true", help="unload every model")
    add_on(parser)


def run(args: argparse.Namespace) -> int:
    if bool(args.models) == args.all:
        fail(Code.BAD_REQUEST, "name models, or say --all", "see: ai-pal unload --help")
    code = 0
    if args.on or args.all_machines:
        settings = load_settings().settings
        code = each(args, settings, lambda name, client: _unload_there(name, client, args))
        if args.on:
            return code
    models = [""] if args.all else [_one_spelling(name) for name in args.models]
    absent = []
    with if_running() as client:
        for model in models:
            gone = [] if client is None else client.unload(model)
            absent += [] if gone else [model]
            for name in gone:
                print(f"{neutral_line(name)} is unloaded", flush=True)
    for model in absent:
        _require_known(model)
        print(f"{neutral_line(model)} is not loaded" if model else "no model is loaded")
    return code


def _unload_there(machine: str, client: "Client", args: argparse.Namespace) -> None:
    """The same on another machine, where names mean what they mean there."""
    for model in [""] if args.all else args.models:
        gone = client.unload(model)
        for name in gone:
            print(neutral_line(f"{machine}: {name} is unloaded"), flush=True)
        if not gone:
            print(neutral_line(f"{machine}: {f'{model} is not loaded' if model else 'no model is loaded'}"))


def _one_spelling(reference: str) -> str:
    """The reference as the supervisor spells it: paths absolute, options sorted."""
    from pathlib import Path

    from ai_pal.catalog import absolute

    return absolute(reference, Path.cwd(), load_settings().settings)


def _require_known(model: str) -> None:
    """Raises `AiPalError` (`model_not_found`) when the name was probably mistyped."""
    from ai_pal.catalog import resolve

    try:
        resolve(model, load_settings().settings)
    except AiPalError as error:
        if error.code == Code.MODEL_NOT_FOUND:
            raise
