"""`ai-pal usage`: what was spent, what was saved, what was answered here and what left this machine."""

import argparse
import re
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.plotting import add_plot, plot, refuse_two
from ai_pal.cli.terminal.wrapping import wrapped
from ai_pal.config import Settings, load_settings, paths
from ai_pal.errors import Code, fail

if TYPE_CHECKING:
    from ai_pal.cli.records.usage_report import Clouds

EXAMPLES = """examples:
  ai-pal usage                        the last 30 days
  ai-pal usage --by model --since 7d
  ai-pal usage --since 2026-01-01 --json | jq .saved
  ai-pal usage --since 12w --plot usage.svg     by day and model: tokens, money, what left
  ai-pal usage --routing              what is known of the models' doubts of their answers
  ai-pal usage --routing --forget     forget what answers have taught of them

Costs follow the providers' list prices of the day that is named; correct them in the settings, in
[prices."openai:gpt-4.1"]. The ledger is in ~/.ai-pal/ai-pal.db and holds no text. Budgets are settings:
[budget] day = 1.0, month = 10.0. In JSON, costs are in US dollars.

"""

REFERENCE = "openai"
"""The cloud that all-cloud is compared with, by its models for medium and for hard prompts."""

_DAYS = 30
_UNITS = {"h": 3600.0, "d": 86_400.0, "w": 604_800.0}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    parser.add_argument(
        "--by", choices=("day", "model", "tier", "principal"), default="day", help="a line for each (day)"
    )
    parser.add_argument(
        "--since", type=_since, metavar="TIME", help="a date such as 2026-01-31, or 12h, 7d, 4w ago (30d)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_plot(parser)
    parser.add_argument(
        "--routing", action="store_true", help="what answers have taught of the models' doubts, in numbers"
    )
    parser.add_argument("--forget", action="store_true", help="with --routing: forget it; calibrations stay")


def run(args: argparse.Namespace) -> int:
    from ai_pal.cli.records import usage_report
    from ai_pal.store.calendar import day_of, month_of
    from ai_pal.store.sqlite_ledger import SqliteLedger

    refuse_two(args)
    if args.routing or args.forget:
        return _routing(args)
    settings, now = load_settings().settings, time.time()
    since = day_of(now - _DAYS * _UNITS["d"]).start if args.since is None else args.since
    with closing(SqliteLedger(paths.store_file(), reads=True)) as ledger:
        sums = ledger.summary(args.by, since=since)
        spent = ledger.spent(day_of(now), month_of(now))
        drawn = ledger.summary("day and model", since=since) if args.plot else []
    if args.plot:
        from ai_pal.cli.records.usage_plot import charts

        today = time.strftime("%Y-%m-%d", time.localtime(now))
        plot(args.plot, "What AI-PAL was used for", charts(drawn, today))
        if args.plot == "-":
            return failures.OK
    clouds, as_of = _clouds(settings)
    budgets = (settings.budget.day, settings.budget.month)
    found = usage_report.report(sums, spent, clouds, as_of, budgets)
    if args.json:
        from ai_pal.cli.terminal.json_output import print_json

        print_json(found)
        return failures.OK
    day = time.strftime("%Y-%m-%d", time.localtime(since))
    print(wrapped("\n".join(map(neutral_line, usage_report.texts(found, day))), sys.stdout))
    if found.lines:
        from ai_pal.cli.terminal.table import table, terminal_width

        head, rows = (args.by.upper(), *usage_report.HEAD), [usage_report.cells(one) for one in found.lines]
        print()
        print(
            table(
                head, rows, width=terminal_width(), spare=usage_report.SPARE, last=("SAVED",), whole=("DAY",)
            )
        )
        print(wrapped(f"\nlist prices of {as_of}: check them with your provider", sys.stdout))
    return failures.OK


def _routing(args: argparse.Namespace) -> int:
    from ai_pal.cli.records import usage_routing
    from ai_pal.store.doubts import DoubtFile
    from ai_pal.store.taught import taught

    if not args.routing:
        what = "--forget forgets what answers have taught of doubts, and goes with --routing"
        fail(Code.BAD_REQUEST, what, "ai-pal usage --routing --forget")
    if args.since is not None or args.by != "day" or args.plot:
        hint = "it takes --json or --forget"
        fail(Code.BAD_REQUEST, "--routing tells what is known now, and nothing else", hint)
    file = DoubtFile(paths.doubts_file())
    if args.forget:
        file.forget()
        print("what answers have taught of doubts is forgotten; calibrations stay")
        return failures.OK
    rows = taught(file.all())
    if args.json:
        from ai_pal.cli.terminal.json_output import print_json

        print_json(rows)
    elif rows:
        from ai_pal.cli.terminal.table import table, terminal_width

        print(table(usage_routing.HEAD, [*map(usage_routing.cells, rows)], width=terminal_width()))
    else:
        print("nothing is known of any model's doubts yet; see: docs/routing.md")
    return failures.OK


def _clouds(settings: Settings) -> "tuple[Clouds, str]":
    """The models that all-cloud is compared with, and the day of the prices."""
    from ai_pal.cli.records.usage_report import Clouds
    from ai_pal.config.clouds import clouds
    from ai_pal.providers.prices import price_table

    prices = price_table().over(settings.prices)
    cloud = clouds(settings)[REFERENCE]
    mid, strong = cloud.mid or cloud.strong or "", cloud.strong or cloud.mid or ""
    found = [prices.find(REFERENCE, model) for model in (mid, strong)]
    return Clouds(f"{REFERENCE}:{mid}", found[0], f"{REFERENCE}:{strong}", found[1]), prices.as_of


def _since(text: str) -> float:
    """A date, or how long ago, as seconds since 1970."""
    if match := re.fullmatch(r"(\d{1,6})([hdw])", text):
        return time.time() - int(match[1]) * _UNITS[match[2]]
    try:
        return time.mktime(time.strptime(text, "%Y-%m-%d"))
    except (ValueError, OverflowError):
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is neither a date such as 2026-01-31 nor a time such as 7d")
