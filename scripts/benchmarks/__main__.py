"""One run, one table: every figure is the median of alternating pairs, with its middle half."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator

import msgspec

from scripts.benchmarks import engine, forwarding, one_shot, starting, threads
from scripts.benchmarks.figures import Row, table

PAIRS, QUICK_PAIRS = 20, 5

Benchmark = Callable[[int], Iterator[Row]]

BENCHMARKS: dict[str, Benchmark] = {
    "path": engine.whole_path,
    "threads": threads.default_threads,
    "two": engine.two_clients,
    "echo": forwarding.echo_streams,
    "unmerged": forwarding.unmerged,
    "memory": forwarding.memory,
    "oneshot": one_shot.warm_and_cold,
    "start": starting.start_and_end,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_PAIRS} pairs instead of {PAIRS}")
    parser.add_argument("--pairs", type=int, help="this many pairs")
    parser.add_argument(
        "--only", action="append", choices=BENCHMARKS, metavar="NAME", help=", ".join(BENCHMARKS)
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a row instead of the table")
    arguments = parser.parse_args()
    pairs = arguments.pairs or (QUICK_PAIRS if arguments.quick else PAIRS)
    rows = []
    for name in arguments.only or BENCHMARKS:
        begun = time.monotonic()
        found = list(BENCHMARKS[name](pairs))
        rows += found
        for row in found if arguments.json else []:
            print(msgspec.json.encode(row).decode(), flush=True)
        print(f"bench: {name} took {time.monotonic() - begun:.0f} s", file=sys.stderr)
    if not arguments.json:
        print(table(rows))
    return 0 if all(row.reached is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
