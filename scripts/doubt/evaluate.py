"""How well a local model's doubt tells which of its answers are wrong.

    scripts/evaluate_doubt MODEL --exams doubt_dev.jsonl [--plot docs/doubt.svg]

MODEL is a GGUF file or a folder that transformers reads. What it said is kept outside of the project, and a
run that was ended goes on where it was; `--ask 0` only counts what is there. Prints areas under the ROC curve
by signal and set with 95% intervals, and where the exams tell of a strong model what is gained by asking it.
"""

import argparse
import itertools
import os
import sys
import time
from pathlib import Path

from scripts.doubt.asking import Asked, Kept, Model, fingerprint
from scripts.doubt.report import Evaluation, plot
from scripts.doubt.sets import Item, exams, problems, shipped

KEPT = Path("~/.cache/ai-pal-tests/doubt").expanduser()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--exams", type=Path, help="a file of choices with right answers")
    parser.add_argument("--kept", type=Path, default=KEPT, help=f"usually {KEPT}")
    parser.add_argument(
        "--most", type=int, default=150, help="questions of each set; a fifth of those that are worked out"
    )
    parser.add_argument("--ask", type=float, default=float("inf"), help="minutes in which new ones are asked")
    parser.add_argument("--threads", type=int, default=0, help="of the engine; usually what a worker takes")
    parser.add_argument("--plot", type=Path, help="accuracy by share, as an SVG into this file")
    args = parser.parse_args()
    worked = args.most // 5
    chosen = exams(args.exams, args.most, worked) if args.exams else []
    items = _in_turn(shipped()[: args.most], *chosen, problems(worked))
    kept = Kept(args.kept, fingerprint(args.model))
    _ask(kept, args, [one.asked for one in items])
    found = Evaluation(items, kept.of([one.asked for one in items]))
    print(f"{found.unclear} answers were cut off before they said it, and do not count\n")
    tables = (found.areas(), found.escalated(), found.gains(), found.shares())
    print("\n\n".join("\n".join(rows) for rows in tables if rows))
    if args.plot and (curves := found.curves()):
        plot(curves, args.plot)


def _in_turn(*sets: list[Item]) -> list[Item]:
    """All of them, so that what a run does not come to is lacking everywhere."""
    rounds = itertools.zip_longest(*sets)
    return [one for some in rounds for one in some if one is not None]


def _ask(kept: Kept, args: argparse.Namespace, asked: list[Asked]) -> None:
    lacking = len(asked) - len(kept.of(asked))
    if not lacking or args.ask <= 0:
        return
    begun = time.monotonic()
    for number, told in enumerate(kept.fill(Model(args.model, threads=args.threads), asked), 1):
        spent = time.monotonic() - begun
        rate = f"{spent / number:.1f} s each, {(lacking - number) * spent / number / 60:.0f} min left"
        print(f"{number} of {lacking} ({rate}): {told.id}: {told.text[:60]!r}", file=sys.stderr, flush=True)
        if spent > args.ask * 60:
            break


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # an engine's end can hang
