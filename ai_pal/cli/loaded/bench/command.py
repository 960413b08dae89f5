"""`ai-pal bench [MODEL...]`: how fast models answer here, by threads, and what would be better."""

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from ai_pal.cli.prompts.arguments import absolute_model
from ai_pal.cli.served import served
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.plotting import add_plot, plot, refuse_two
from ai_pal.cli.terminal.streams import Terminal, remark
from ai_pal.cli.terminal.whole_numbers import whole
from ai_pal.config import Settings, load_settings
from ai_pal.counted import counted
from ai_pal.errors import AiPalError, Code, fail

if TYPE_CHECKING:
    from ai_pal.cli.loaded.bench.figures import Advice, Row
    from ai_pal.client import Client

EXAMPLES = """examples:
  ai-pal bench                                the model that answers where none is named
  ai-pal bench smollm2 phi-3 --repeat 5
  ai-pal bench smollm2 --threads 1,2 --prompt 128 --answer 32
  ai-pal bench smollm2 --plot bench.svg
  ai-pal bench smollm2 --json | jq '.advice'

Other quantizations of a model that are here are measured too, with what is set. READS/S and WRITES/S are
tokens a second, FIRST is the time to the first token of the answer, SPREAD how far
the repeats lie apart; * marks what is set now. The supervisor and its workers do all of it, as for any
answer. What was not loaded before is unloaded again; other idle models may have to give way to it.

"""

BUSY, LOOK = 0.3, 0.3
"""The share of the cores that others may use, and the seconds in which that is looked at."""

MOST_REPEATS, MOST_TOKENS, MOST_THREADS = 100, 100_000, 1024


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    models = parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="a model of this machine, as for `ai-pal load`"
    )
    completes(models, "local")
    parser.add_argument(
        "--threads",
        type=_counts,
        metavar="N,N...",
        help="besides what is set try these (some that suit the cores)",
    )
    parser.add_argument(
        "--repeat", type=whole(1, MOST_REPEATS), default=3, metavar="N", help="answers for each figure (3)"
    )
    parser.add_argument(
        "--prompt",
        type=whole(1, MOST_TOKENS),
        default=512,
        metavar="N",
        help="about so many tokens to read (512)",
    )
    parser.add_argument(
        "--answer", type=whole(2, MOST_TOKENS), default=64, metavar="N", help="tokens to write (64)"
    )
    parser.add_argument(
        "--alone", action="store_true", help="leave out other quantizations of a model that are here"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_plot(parser)


def run(args: argparse.Namespace) -> int:
    from ai_pal.cli.loaded.bench.advising import advised

    refuse_two(args)
    signal.signal(signal.SIGTERM, _leave)
    settings, codes = load_settings().settings, [failures.OK]
    models = [absolute_model(model) for model in args.models or [""]]
    rows: list[Row] = []
    served(settings, lambda client: _all(client, models, args, settings, rows, codes))
    order = list(dict.fromkeys(row.model for row in rows))
    rows.sort(key=lambda row: (order.index(row.model), row.threads))
    found = advised(rows, settings)
    if args.plot and rows:
        from ai_pal.cli.loaded.bench.report import charts

        plot(args.plot, "How fast models answer on this machine", charts(rows))
    if args.json:
        from ai_pal.cli.loaded.bench.report import as_object
        from ai_pal.cli.terminal.json_output import print_json

        print_json(as_object(rows, found, _machine()))
    elif rows and args.plot != "-":
        _print(rows, found)
    return next(filter(None, codes), failures.OK)


def _all(
    client: "Client",
    models: list[str],
    args: argparse.Namespace,
    settings: Settings,
    rows: "list[Row]",
    codes: list[int],
) -> None:
    """Measure what is in `models`, and take out of it what is done."""
    from ai_pal.cli.served import ANOTHER

    _warn(client)
    while models:
        try:
            for row in _of_model(client, models[0], args, settings):
                rows.append(row)  # each by itself: what was measured is told also where the next one fails
        except AiPalError as error:
            if error.code in ANOTHER:
                raise
            failures.report(error.failure)
            codes.append(failures.exit_code(error.code))
        del models[0]


def _of_model(client: "Client", model: str, args: argparse.Namespace, settings: Settings) -> "Iterator[Row]":
    """As it is set first, then with each other number of threads, then other quantizations of it."""
    from ai_pal.catalog import default_model, join, split
    from ai_pal.catalog.inventory.forms import other_forms
    from ai_pal.cli.loaded.bench.figures import thread_counts
    from ai_pal.cli.loaded.bench.measuring import Size, measure
    from ai_pal.cli.terminal.waiting import Waiting
    from ai_pal.config.clouds import provider_names
    from ai_pal.config.elsewhere import elsewhere

    if elsewhere(model, provider_names(settings)) is not None:
        fail(
            Code.BAD_REQUEST, f"{model} does not run on this machine", "name a model that `ai-pal list` shows"
        )
    name, options = split(model or default_model(settings))
    size, waiting = Size(args.prompt, args.answer, args.repeat), Waiting(Terminal.detect())
    shown = join(name, {key: value for key, value in options.items() if key != "threads"})

    def tell(what: str) -> None:
        waiting.line(neutral_line(f"{measured}: {what}"))

    try:
        measured = shown
        usual = measure(client, join(name, options), size, tell, as_set=True, shown=shown)
        yield usual
        for count in args.threads or thread_counts(_cores()):
            if count != usual.threads:
                measured = f"{shown}, {counted(count, 'thread')}"
                other = join(name, options | {"threads": count})
                row = measure(client, other, size, tell, as_set=False, shown=shown)
                if row.threads != usual.threads:  # an engine may know none
                    yield row
        for form in [] if args.alone else other_forms(join(name, options), settings):
            measured = form
            if form not in args.models:
                yield measure(client, form, size, tell, as_set=True, shown=form, form_of=shown)
    finally:
        waiting.end()


def _print(rows: "list[Row]", found: "list[Advice]") -> None:
    from ai_pal.cli.loaded.bench.report import HEAD, SPARE, cells
    from ai_pal.cli.terminal.table import table, terminal_width
    from ai_pal.cli.terminal.wrapping import wrapped

    print(table(HEAD, [cells(row) for row in rows], width=terminal_width(), spare=SPARE))
    print()
    for one in found:
        command = f": {one.command}" if one.command else ""
        print(wrapped(neutral_line(f"{one.model}: {one.text}{command}"), sys.stdout))


def _warn(client: "Client") -> None:
    """Say what makes the figures lower than they could be."""
    import psutil

    busy = psutil.cpu_percent(LOOK) / 100
    if busy > BUSY:
        remark(f"this machine is busy ({busy:.0%} of its cores): the figures will be too low")
    asked = sum(worker.active + worker.queued for worker in client.status().workers)
    if asked:
        remark(f"models answer others meanwhile ({asked} requests): the figures will be too low")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _machine() -> dict[str, Any]:
    return {"cores": _cores(), "load": os.getloadavg()[0]}


def _counts(text: str) -> list[int]:
    parse = whole(1, MOST_THREADS)
    return list(dict.fromkeys(parse(one) for one in text.split(",")))


def _leave(number: int, _frame: Any) -> NoReturn:
    raise SystemExit(128 + number)  # an exception, so that what was loaded goes again
