"""Print what the score is worth: ranking on exam sets, tiers on everyday prompts, and time.

Three figures per set: `unseen` is a model that never saw the set, `folds` one that saw other prompts of it,
`shipped` the table in the package, which has seen these very prompts.
"""

import argparse
import time
from collections import Counter
from pathlib import Path

import numpy as np

from ai_pal.server.router.complexity import score
from ai_pal.server.router.complexity.linear import form_of
from ai_pal.server.router.complexity.material import read_prompt
from scripts.complexity import everyday, exams
from scripts.complexity.apgr import apgr, interval
from scripts.complexity.exams import Array, Exams, Mask
from scripts.complexity.fit import Prompts, fit
from scripts.complexity.train import prompts

FOLDS, SPEED_SAMPLE = 5, 2000


def predicted(features: Prompts, exam: Exams, known: Mask, wanted: Mask) -> Array:
    """Log-odds of the wanted prompts by a model that learned from the known ones."""
    model = fit(features, exam, known)
    offers = features.choice[wanted]
    forms = np.array([form_of(read_prompt(prompt)) for prompt in np.array(exam.prompts)[wanted]])
    logits = np.zeros(len(offers))
    for form in set(forms.tolist()):
        logits[forms == form] = model.logits(offers[forms == form], form)
    return logits


def unseen(features: Prompts, exam: Exams, name: str) -> Array:
    """Scores of one set by a model that never saw it."""
    of_set = exam.sets == name
    return predicted(features, exam, ~of_set, of_set)


def folds(features: Prompts, exam: Exams, name: str) -> Array:
    """Scores of one set by models that each saw all but a fifth of it."""
    of_set = exam.sets == name
    fold = np.random.default_rng(0).integers(0, FOLDS, len(exam.sets))
    scores = np.zeros(len(exam.sets))
    for number in range(FOLDS):
        wanted = of_set & (fold == number)
        scores[wanted] = predicted(features, exam, ~wanted, wanted)
    return np.asarray(scores[of_set], dtype=np.float64)


def ranking(folder: Path) -> None:
    """APGR of each set, with 95% intervals over its prompts."""
    exam = exams.load(folder)
    features = prompts(exam, [row for row in everyday.load() if not row.held_out])
    shipped = np.array([score(prompt) for prompt in exam.prompts])
    length = np.array([float(len(prompt)) for prompt in exam.prompts])
    print("APGR of (strong - weak), and in brackets of (1 - weak): a strong side that never fails")
    means: dict[str, list[float]] = {}
    for name in exams.FILES:
        of_set = exam.sets == name
        gap, failed = exam.gap[of_set], exam.failed[of_set]
        ways = {"unseen": unseen(features, exam, name), "folds": folds(features, exam, name)}
        ways |= {"shipped": shipped[of_set], "length": length[of_set]}
        for way, scores in ways.items():
            figure = apgr(scores, gap)
            low, high = interval(scores, gap)
            means.setdefault(way, []).append(figure)
            print(f"  {name:8} {way:8} {figure:.3f}  {low:.3f}..{high:.3f}  ({apgr(scores, failed):.3f})")
    print("  mean     " + "  ".join(f"{way} {np.mean(figures):.3f}" for way, figures in means.items()))


def tiers() -> None:
    """How many everyday prompts land in their tier; only the held-out ones tell."""
    for held_out in (True, False):
        rows = [row for row in everyday.load() if row.held_out == held_out]
        found = [(row, everyday.tier_of(score(row.prompt))) for row in rows]
        right = sum(row.tier == tier for row, tier in found)
        far = sum(abs(row.tier - tier) == 2 for row, tier in found)
        name = "held out" if held_out else "learned from"
        print(
            f"everyday prompts, {name}: {right}/{len(rows)} = {right / len(rows):.1%} right, {far} off by two"
        )
        table = Counter((row.tier, tier) for row, tier in found)
        for deserved, label in enumerate(everyday.TIERS):
            print(f"  {label:8}" + "".join(f"{table[deserved, tier]:5}" for tier in range(3)))
        for group in ("language", "kind"):
            wrong = Counter(getattr(row, group) for row, tier in found if row.tier != tier)
            print(f"  wrong by {group}: {dict(wrong.most_common())}")


def speed(folder: Path) -> None:
    """Milliseconds per prompt on one core of this machine: its own time, whatever else runs."""
    everything = exams.load(folder).prompts
    for name, sample in {
        "exam prompts": everything[:: max(1, len(everything) // SPEED_SAMPLE)],
        "everyday prompts": [row.prompt for row in everyday.load()],
    }.items():
        taken = []
        for prompt in sample:
            begin = time.thread_time()
            score(prompt)
            taken.append((time.thread_time() - begin) * 1e3)
        middle, late, last = np.percentile(taken, [50, 95, 99])
        print(f"{name}: median {middle:.3f} ms, p95 {late:.3f} ms, p99 {last:.3f} ms ({len(sample)} prompts)")


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/evaluate_complexity", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the exam sets (*.jsonl)")
    folder = parser.parse_args().data
    ranking(folder)
    tiers()
    speed(folder)


if __name__ == "__main__":
    main()
