"""`ai-pal search WORDS`: models of the hub that this machine can run."""

import argparse
import os
from typing import get_args

import msgspec

from ai_pal import privacy
from ai_pal.cli.models.hub_table import fits, hub_table
from ai_pal.cli.served import served
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.json_output import print_json
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.streams import remark
from ai_pal.cli.terminal.table import terminal_width
from ai_pal.cli.terminal.whole_numbers import whole
from ai_pal.config import load_settings
from ai_pal.config.egress_environment import is_offline
from ai_pal.errors import Code, fail
from ai_pal.protocol.hub import MOST_FOUND, MOST_WORDS, Order

HUB = "https://huggingface.co"

EXAMPLES = """examples:
  ai-pal search qwen3 4b             GGUF and safetensors models with both words in their names
  ai-pal search coder --sort trending --limit 5
  ai-pal search gemma --json | jq -r '.[] | select(.fits == "now") | .pull'

The words leave this machine, for the hub (HF_ENDPOINT); with the setting `local_only` or the goal privacy
nothing is asked. Sizes are estimated from the hub's figures. Models are shown that the engines here can
load, and FITS says whether memory suffices: now, alone (when other models and programs make room), never,
or which engine is missing.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    words = parser.add_argument("words", nargs="+", metavar="WORDS", help="parts of a model's name")
    completes(words, "text")
    parser.add_argument(
        "--limit", type=whole(1, MOST_FOUND), default=20, metavar="N", help="show so many at most (20)"
    )
    parser.add_argument(
        "--sort", choices=get_args(Order), default="downloads", help="what comes first (downloads)"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON array")


def run(args: argparse.Namespace) -> int:
    settings = load_settings().settings
    words = " ".join(" ".join(args.words).split())
    if not 0 < len(words) <= MOST_WORDS:
        fail(Code.BAD_REQUEST, f"a search has 1 to {MOST_WORDS} characters", "name part of a model's name")
    privacy.admit_words(local_only=settings.private(), mine=settings.mine)
    if is_offline():
        hint = "unset HF_HUB_OFFLINE, or see what is here: ai-pal list"
        fail(Code.OFFLINE, "HF_HUB_OFFLINE forbids to ask the hub", hint)
    remark(f"asking {os.environ.get('HF_ENDPOINT') or HUB} for: {words}")
    found = served(settings, lambda client: client.search(words, limit=args.limit, sort=args.sort)).models
    suited = [(model, fits(model, settings)) for model in found]
    if args.json:
        print_json(
            [msgspec.to_builtins(m) | {"fits": fit, "pull": f"ai-pal pull {m.name}"} for m, fit in suited]
        )
    elif found:
        print(hub_table(suited, terminal_width()))
        print("\nfetch one: ai-pal pull NAME")
    else:
        print(neutral_line(f"the hub has no model for {words!r} that runs here: use fewer or other words"))
    return 0
