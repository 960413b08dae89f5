"""`ai-pal rm MODEL`: remove a model from this machine."""

import argparse
import contextlib
from pathlib import Path

from ai_pal.catalog import absolute, find
from ai_pal.cli import failures
from ai_pal.cli.downloads import sized
from ai_pal.cli.neutral import neutral_line
from ai_pal.config import load_settings
from ai_pal.errors import AiPalError
from ai_pal.sources.removing import remove

EXAMPLES = """examples:
  ai-pal rm phi-2            the variant that would be used now
  ai-pal rm phi-2:q4_k_m     this variant
  ai-pal rm org/name:Q4_K_M

A model that is loaded is unloaded first. Files of your own and Hugging Face's cache are left alone.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    parser.add_argument("model", metavar="MODEL", help="a model that `ai-pal list` shows as here")


def run(args: argparse.Namespace) -> int:
    settings = load_settings().settings
    found = find(absolute(args.model, Path.cwd()), settings)
    _unload(found.name)
    freed = remove(found, settings)
    print(neutral_line(f"{args.model} is removed: {sized(freed)} are free again"))
    return 0


def _unload(model: str) -> None:
    from ai_pal.cli.running import running

    with contextlib.suppress(AiPalError), running() as client:
        client.unload(model)
