"""`ai-pal rm MODEL`: remove a model from this machine."""

import argparse
from pathlib import Path

from ai_pal.catalog import absolute, find, split
from ai_pal.catalog.inventory.removing import files_of, remove, sizes
from ai_pal.catalog.known.names import is_own
from ai_pal.catalog.references.spelling import spelled
from ai_pal.cli.models.naming import check_named, forget, unload
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.agreeing import add_yes, agreed
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.downloads import sized
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.config import load_settings

EXAMPLES = """examples:
  ai-pal rm phi-2            the variant that would be used now
  ai-pal rm phi-2:q4_k_m     this variant
  ai-pal rm org/name:Q4_K_M
  ai-pal rm --yes phi-3      without a question, as a script needs it
  ai-pal rm coder            a name that you gave: the name is forgotten, its file stays

Before files are removed you are asked, and the model is unloaded. Files of your own, Hugging Face's cache
and what other programs keep (Ollama, LM Studio, ...) are left alone.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    model = parser.add_argument("model", metavar="MODEL", help="a model that `ai-pal list` shows as here")
    completes(model, "here")
    add_yes(parser)


def run(args: argparse.Namespace) -> int:
    check_named(args.model)
    settings = load_settings().settings
    if is_own(name := spelled(split(args.model).name, settings), settings):
        print(neutral_line(forget(name, settings)))
        return failures.OK
    found = find(absolute(args.model, Path.cwd(), settings), settings)
    size = sized(sizes(files_of(found, settings)))
    if not agreed(f"remove {args.model} ({size})", yes=args.yes):
        return failures.FAILED
    unload(found.name)
    freed = remove(found, settings)
    print(neutral_line(f"{args.model} is removed: {sized(freed)} are free again"))
    return failures.OK
