"""`ai-pal alias NAME TARGET`: give a model another name."""

import argparse
import sys
from pathlib import Path

from ai_pal.catalog import absolute
from ai_pal.catalog.known.names import entry_of, family, unhidden
from ai_pal.catalog.references.naming import give_alias
from ai_pal.catalog.references.spelling import spelled
from ai_pal.catalog.references.text import is_path
from ai_pal.cli.models.naming import forget
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.config import Settings, load_settings
from ai_pal.config.clouds import provider_names
from ai_pal.config.elsewhere import elsewhere
from ai_pal.errors import Code, fail

EXAMPLES = """examples:
  ai-pal alias small smollm2
  ai-pal alias coder org/name:Q4_K_M
  ai-pal alias long "phi-3?context=4096"
  ai-pal alias gpt openai:gpt-4.1
  ai-pal alias "claude-*haiku*" smollm2    all that are called so, for clients that have fixed names
  ai-pal chat -m small "Say hello"
  ai-pal alias list --json
  ai-pal alias rm small

An alias is the table [models.NAME] of the config file, and works wherever a model is named. A file or folder
gets a name with `ai-pal add`.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    parser.usage = "%(prog)s [-h] [--json] NAME TARGET | list | rm NAME"
    words = parser.add_argument(
        "words", nargs="*", metavar="NAME TARGET", help="the new name and the model; or an action"
    )
    completes(words, "models")
    parser.add_argument("--json", action="store_true", help="print a JSON array")


def run(args: argparse.Namespace) -> int:
    settings = load_settings().settings
    words = args.words
    if words in ([], ["list"]):
        return _list(settings, as_json=args.json)
    if len(words) != 2:
        fail(
            Code.BAD_REQUEST, "give a name and a model", "ai-pal alias NAME TARGET; see: ai-pal alias --help"
        )
    return _remove(words[1], settings) if words[0] == "rm" else _give(words[0], words[1], settings)


def _list(settings: Settings, *, as_json: bool) -> int:
    aliases = {name: own.model for name, own in sorted(settings.models.items()) if own.model}
    if as_json:
        from ai_pal.cli.terminal.json_output import print_json

        print_json([{"name": name, "model": model} for name, model in aliases.items()])
    elif aliases:
        from ai_pal.cli.terminal.table import table, terminal_width

        print(table(("NAME", "MODEL"), [(n, str(m)) for n, m in aliases.items()], width=terminal_width()))
    else:
        print("there is no alias yet; make one: ai-pal alias NAME TARGET")
    return failures.OK


def _give(name: str, target: str, settings: Settings) -> int:
    target = absolute(target, Path.cwd(), settings)
    if elsewhere(target, provider_names(settings)) is None and is_path(target):
        fail(Code.BAD_REQUEST, f"{target} is a file or folder", f"ai-pal add {target} --name {name}")
    own = settings.models.get(name)
    give_alias(name, target, settings)
    before = f" (it was {own.model})" if own is not None and own.model and own.model != target else ""
    print(neutral_line(f"{name} stands for {target}{before}"))
    if entry_of(name) or family(name):
        still = unhidden(name, load_settings().settings)
        now = f", which is {still} now," if still != name else ""
        print(f"it hides the known model of that name{now} until: ai-pal alias rm {name}", file=sys.stderr)
    return failures.OK


def _remove(name: str, settings: Settings) -> int:
    own = settings.models.get(name := spelled(name, settings))
    if own is None or not own.model:
        what = "is no alias" if own is None or not own.path else f"is the name of {own.path}"
        hint = "see: ai-pal alias list" if own is None or not own.path else f"ai-pal rm {name}"
        fail(Code.MODEL_NOT_FOUND, f"{name} {what}", hint)
    print(neutral_line(forget(name, settings)))
    sys.stdout.flush()
    return failures.OK
