"""Measure AI-PAL: contestants in turn within one run, medians with their middle half, targets beside them."""

import argparse
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import msgspec

from ai_pal.errors import AiPalError
from scripts.benchmarks import before, page, saved
from scripts.benchmarks.figures import Row
from scripts.benchmarks.parts import PARTS, Chosen, choose
from scripts.benchmarks.text import table

PAIRS, QUICK_PAIRS = 20, 3

BEFORE = "before"
"""The part that needs `--against`."""

EXAMPLES = """
examples:
  scripts/bench                             everything but what needs a large download
  scripts/bench transformers                one part
  scripts/bench spine.path threads.default  single measurements; --list names them
  scripts/bench --quick memory              few pairs: does it work?
  scripts/bench --large memory              the 1.5-billion model too (1.1 GB, fetched when it is not here)
  scripts/bench --against ../before         this tree against that one: traffic, first token, memory, commands
  scripts/bench --save && scripts/bench --page   measure, keep the figures, write the tables of the page

The exit code is 1 when a target was missed or a measurement broke off.
"""


def main() -> int:
    signal.signal(
        signal.SIGTERM, lambda number, _: sys.exit(128 + number)
    )  # what it has started ends with it
    arguments = _arguments()
    if arguments.list:
        print(_listing())
        return 0
    if arguments.page:
        return page.update(saved.load(arguments.file), check=arguments.check)
    try:
        parts = {BEFORE: before.part(arguments.against)} if arguments.against else PARTS
        chosen = choose(arguments.parts, arguments.large, parts)
    except OSError as error:
        sys.exit(f"bench: {arguments.against} is no checkout with an environment: {error}")
    except KeyError as error:
        sys.exit(f"bench: there is no part {error}; see scripts/bench --list")
    pairs = arguments.pairs or (QUICK_PAIRS if arguments.quick else PAIRS)
    rows: list[Row] = []
    is_whole = True
    try:
        for one in chosen:
            found = _measured(one, pairs, arguments.json)
            is_whole = is_whole and found is not None
            rows += found.rows if found else []
            if found and arguments.save:
                saved.keep(arguments.file, one, found)
    finally:
        if not arguments.json:
            print(table(rows))
    return 0 if is_whole and all(row.reached is not False for row in rows) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART[.NAME]", help=", ".join(PARTS))
    parser.add_argument("--list", action="store_true", help="say what there is to measure")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_PAIRS} pairs instead of {PAIRS}")
    parser.add_argument("--pairs", type=int, help="this many pairs")
    parser.add_argument("--large", action="store_true", help="also what needs a large download or much time")
    parser.add_argument(
        "--against", type=Path, metavar="DIR", help="compare with the checkout there, nothing else"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a row instead of the table")
    parser.add_argument("--save", action="store_true", help="keep the figures in --file")
    parser.add_argument("--page", action="store_true", help="measure nothing; write the page from --file")
    parser.add_argument("--check", action="store_true", help="with --page: only say whether it is current")
    parser.add_argument("--file", type=Path, default=saved.FILE, help="default: %(default)s")
    return parser.parse_args()


def _measured(one: Chosen, pairs: int, as_json: bool) -> saved.Run | None:
    """None where it broke off, which is said: the other measurements go on."""
    begun = time.monotonic()
    rows = []
    try:
        for row in one.measure(pairs):
            rows.append(row)
            if as_json:
                print(msgspec.json.encode(row).decode(), flush=True)
    except (AiPalError, RuntimeError, OSError, subprocess.SubprocessError):
        traceback.print_exc()
        print(f"bench: {one.part}.{one.name} broke off", file=sys.stderr)
        return None
    seconds = time.monotonic() - begun
    print(f"bench: {one.part}.{one.name} took {seconds:.0f} s", file=sys.stderr)
    return saved.run(rows, pairs, seconds)


def _listing() -> str:
    lines = []
    for name, part in PARTS.items():
        lines.append(f"{name}: {part.about}")
        lines += [f"  {name}.{measure}" for measure in part.measures]
        lines += [f"  {name}.{measure}  (with --large)" for measure in part.large]
    lines.append(f"{BEFORE}: this tree against another one  (with --against DIR)")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
