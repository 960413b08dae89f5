"""`ai-pal list`: the models that are on this machine; with --all also those that can be fetched by name."""

import argparse
import shlex
import sys
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ai_pal.catalog import stores
from ai_pal.catalog.inventory.listed import Listed, inventory
from ai_pal.catalog.known.model import made_for
from ai_pal.catalog.references.default import starter
from ai_pal.cli.machines.on_machines import add_on
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.json_output import print_json
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.table import table, terminal_width
from ai_pal.cli.terminal.wrapping import wrapped
from ai_pal.config import Settings, load_settings
from ai_pal.counted import counted

if TYPE_CHECKING:
    from ai_pal.catalog.choosing.host import Host
    from ai_pal.client import Client

HEAD = ("NAME", "SIZE", "STATE", "REVISION", "LAST USED", "SOURCE", "PATH")
SPARE = ("REVISION", "SOURCE", "LAST USED")
"""What a narrow terminal does without, in this order."""

OFFER_HEAD = ("NAME", "SIZE", "MEMORY", "SPEED", "CONTEXT", "CAN", "LICENCE", "ABOUT")
OFFER_SPARE = ("LICENCE", "CONTEXT", "ABOUT", "MEMORY")

EXAMPLES = """examples:
  ai-pal list
  ai-pal list qwen                   those with this in their names; or a pattern: 'qwen3*:4b'
  ai-pal list --all                  what can be fetched by name too, by what fits this machine
  ai-pal list --on box               on another machine of yours; --all-machines: on all
  ai-pal list --json | jq -r '.[].name'

SPEED is about how many tokens a second a model will write, by its size and the speed of this memory.
A narrow terminal gets fewer columns and shorter paths; a pipe, and --json, get all.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    pattern = parser.add_argument(
        "pattern", nargs="?", default="", metavar="PATTERN", help="only models with this in their names"
    )
    completes(pattern, "models")
    parser.add_argument(
        "-a", "--all", action="store_true", help="also the known models that are not on this machine"
    )
    add_on(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON array")


def run(args: argparse.Namespace) -> int:
    settings = load_settings().settings
    if args.on or args.all_machines:
        return _on_machines(args, settings)
    models = [model for model in inventory(settings) if _is_meant(model.name, args.pattern)]
    unasked = starter(settings)
    offered = [model for model in models if _is_offer(model, unasked)]
    here = [model for model in models if not _is_offer(model, unasked)]
    if args.json:
        from ai_pal.catalog.inventory.described import described

        print_json([described(model, settings) for model in (models if args.all else here)])
        return 0
    width = terminal_width()
    if here:
        print(table(HEAD, [_cells(model) for model in here], width=width, spare=SPARE))
    if args.all:
        _print_offers(offered, settings, width, first=not here)
    elif offered:
        begin = "\n" if here else f"no {'such ' if args.pattern else ''}model is on this machine yet\n"
        rest = " ".join(["ai-pal list --all", *([shlex.quote(args.pattern)] if args.pattern else [])])
        more = f"{counted(len(offered), 'more model')} can be fetched by name: {rest}"
        print(wrapped(f"{begin}{more}", sys.stdout))
    if args.pattern and not models:
        print(
            neutral_line(
                f"no model is called like {args.pattern}; on the hub perhaps: ai-pal search {args.pattern}"
            ),
            file=sys.stderr,
        )
        return failures.FAILED
    return 0


def _on_machines(args: argparse.Namespace, settings: Settings) -> int:
    from ai_pal.cli.machines.on_machines import HERE, each, rows
    from ai_pal.protocol.client import ModelInfo

    found: list[tuple[str, ModelInfo]] = []

    def look(machine: str, client: "Client") -> None:
        found.extend((machine, one) for one in client.models(here=not args.all))

    if args.all_machines:
        from ai_pal.cli.served import served

        served(settings, lambda client: look(HERE, client))
    code = each(args, settings, look)
    found = [(machine, one) for machine, one in found if _is_meant(one.name, args.pattern)]
    if args.json:
        print_json([row for machine, one in found for row in rows(machine, [one])])
        return code
    cells = [
        (machine, one.name, f"{one.size / 1e6:,.0f} MB" if one.size else "-", one.state, one.source or "-")
        for machine, one in found
    ]
    print(table(("MACHINE", "NAME", "SIZE", "STATE", "SOURCE"), cells, width=terminal_width()))
    return code


def _is_meant(name: str, pattern: str) -> bool:
    """Whether the pattern stands in the name, in any case; with `*` and its like it is the whole name."""
    name, pattern = name.lower(), pattern.lower()
    return fnmatchcase(name, pattern) if set(pattern) & set("*?[") else pattern in name


def _is_offer(model: Listed, unasked: str) -> bool:
    """Whether it is only known. The starter is fetched `unasked`, so it counts as one that can be had."""
    own = model.source == "config" or model.source.startswith("alias of ")
    return model.state == "not here" and not own and model.name != unasked


def _print_offers(offered: Sequence[Listed], settings: Settings, width: int | None, *, first: bool) -> None:
    import psutil

    from ai_pal.catalog.choosing.machine import free_memory
    from ai_pal.catalog.choosing.this_host import this_host
    from ai_pal.catalog.inventory.fitting import grouped

    host = this_host(settings)
    free, total = free_memory(settings), psutil.virtual_memory().total
    groups = grouped(sorted(offered, key=lambda model: model.memory), free, total)
    heads = (
        f"fit now ({free / 1e9:.1f} GB of memory is free)",
        "fit when other models and programs make room",
        f"need more than this machine has ({total / 1e9:.1f} GB)",
    )
    for head, group in zip(heads, groups, strict=True):
        if group:
            print(wrapped(f"{'' if first else chr(10)}{head}:", sys.stdout))
            print(
                table(
                    OFFER_HEAD,
                    [_offer(model, host) for model in group],
                    width=width,
                    spare=OFFER_SPARE,
                    last=("CAN",),
                    whole=("NAME",),
                )
            )
            first = False
    print(wrapped("\nfetch one: ai-pal pull NAME; another quantization: ai-pal pull NAME:Q8_0", sys.stdout))


def _offer(model: Listed, host: "Host") -> tuple[str, ...]:
    can = made_for(model.strengths)
    context = f"{model.context // 1024}K"
    size, memory = f"{model.size / 1e9:.1f} GB", f"{model.memory / 1e9:.1f} GB"
    return model.name, size, memory, _speed(model, host), context, can, model.licence, model.about


def _speed(model: Listed, host: "Host") -> str:
    """About how many tokens it will write in a second."""
    from ai_pal.catalog import Variant
    from ai_pal.catalog.choosing.speed import tokens_per_second
    from ai_pal.catalog.known.names import entry_of

    known = entry_of(model.name)
    assert known is not None  # only known ones are offered
    entry, _ = known
    offered = Variant("", entry.engine, size=model.size, memory=model.memory)
    speed = tokens_per_second(entry, offered, host) if entry.chats else 0.0
    return f"{speed:.0f}/s" if speed >= 1 else "<1/s" if speed else "-"


def _cells(model: Listed) -> tuple[str, ...]:
    size = f"{model.size / 1e6:,.0f} MB" if model.size else "-"
    # A model of one's own, or of another program, cannot be pulled.
    others = model.source == "config" or model.source in stores.PROGRAMS
    to_pull = model.state in ("not here", "damaged") and not others
    where = f"ai-pal pull {model.name}" if to_pull else model.path or "-"
    revision = model.revision[:10] or "-"
    return model.name, size, model.state, revision, _ago(model.last_used), model.source or "-", where


def _ago(at: float | None) -> str:
    """How long ago that was, in the largest unit that fits."""
    if at is None:
        return "-"
    seconds = max(0, int(time.time() - at))
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if count := seconds // length:
            return f"{counted(count, unit)} ago"
    return "just now"
