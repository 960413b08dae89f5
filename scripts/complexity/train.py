"""Rebuild the table that ai_pal.server.router.complexity ships with: the same bytes from the same data."""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np

from ai_pal.server.router.complexity import features, table
from ai_pal.server.router.complexity.material import read_prompt
from ai_pal.server.router.complexity.problem import is_problem
from scripts.complexity import everyday, exams
from scripts.complexity.exams import Array, Exams, Mask
from scripts.complexity.fit import Model, Prompts, fit

TABLE = Path(table.__file__).with_name("table.json")


def _are_problems(prompts: list[str]) -> Mask:
    return np.array([is_problem(read_prompt(prompt)) for prompt in prompts], dtype=np.bool_)


def values(prompts: list[str]) -> Array:
    """The features of these prompts, one row each."""
    return np.array([features.features(read_prompt(prompt)) for prompt in prompts])


def everyday_digest() -> str:
    """SHA-256 over the everyday prompts with their features: it changes when a feature does."""
    whole = hashlib.sha256(everyday.PATH.read_bytes())
    for row in values([row.prompt for row in everyday.load()]):
        whole.update(" ".join(f"{number:.5f}" for number in row).encode())
    return whole.hexdigest()


def prompts(exam: Exams, known: list[everyday.Everyday]) -> Prompts:
    """The features of everything that is learned from."""
    return Prompts(
        values(exam.prompts),
        values([read_prompt(prompt).question for prompt in exam.prompts]),
        values([row.prompt for row in known]),
        np.array([float(row.tier) for row in known]),
        _are_problems(exam.prompts),
        _are_problems([row.prompt for row in known]),
    )


def train(folder: Path) -> Model:
    """Learn from the exam sets in this folder and the everyday prompts that are not held out."""
    exam = exams.load(folder)
    known = [row for row in everyday.load() if not row.held_out]
    return fit(prompts(exam, known), exam, np.ones(len(exam.prompts), dtype=np.bool_))


def as_table(model: Model, exam_digest: str) -> bytes:
    """The bytes of the table, one line per feature."""

    def units(numbers: Array) -> list[int]:
        return [round(float(number) * table.UNIT) for number in numbers]

    columns = map(units, (model.centre, model.scale, model.open, model.choice, model.problem))
    named = zip(features.names(), zip(*columns, strict=True), strict=True)
    rows = ",\n".join(f"  {json.dumps(name)}: {list(row)}" for name, row in named)
    head = {"exams": exam_digest, "everyday": everyday_digest(), "bias": units(model.bias)}
    lines = "".join(f" {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items())
    return f'{{\n{lines} "features": {{\n{rows}\n }}\n}}\n'.encode()


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/train_complexity", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the exam sets (*.jsonl)")
    parser.add_argument("--check", action="store_true", help="only say whether the shipped table is the same")
    arguments = parser.parse_args()
    built = as_table(train(arguments.data), exams.digest(arguments.data))
    if not arguments.check:
        TABLE.write_bytes(built)
    elif TABLE.read_bytes() != built:
        raise SystemExit(
            "train_complexity: the shipped table is not what the data give; run it without --check"
        )


if __name__ == "__main__":
    main()
