"""Rebuild the table that ai_pal.complexity ships with: the same bytes from the same data."""

import argparse
import hashlib
from pathlib import Path

import msgspec
import numpy as np

from ai_pal.complexity import features, reading, table
from scripts.complexity import everyday, exams
from scripts.complexity.exams import Array
from scripts.complexity.fit import Model, fit

TABLE = Path(table.__file__).with_name("table.json")


def values(prompts: list[str]) -> Array:
    """The features of these prompts, one row each."""
    return np.array([features.features(reading.read(prompt)) for prompt in prompts])


def inputs(folder: Path) -> str:
    """SHA-256 over the data that the table is made from."""
    return hashlib.sha256(exams.digest(folder).encode() + everyday.PATH.read_bytes()).hexdigest()


def train(folder: Path) -> Model:
    """Learn from the exam sets in this folder and from the everyday prompts that are not held out."""
    exam = exams.load(folder)
    known = [row for row in everyday.load() if not row.held_out]
    tiers = np.array([float(row.tier) for row in known])
    return fit(values(exam.prompts), exam.hard, exam.names, values([row.prompt for row in known]), tiers)


def as_table(model: Model, made_from: str) -> bytes:
    """The bytes of the table."""

    def unit(number: float) -> int:
        return round(number * table.UNIT)

    rows = zip(model.centre, model.scale, model.weights, strict=True)
    named = dict(zip(features.names(), [(unit(c), unit(s), unit(w)) for c, s, w in rows], strict=True))
    built = table.Table(inputs=made_from, bias=unit(model.bias), features=named)
    return msgspec.json.format(msgspec.json.encode(built), indent=1) + b"\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/train_complexity", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the exam sets (*.jsonl)")
    parser.add_argument("--check", action="store_true", help="only say whether the shipped table is the same")
    arguments = parser.parse_args()
    built = as_table(train(arguments.data), inputs(arguments.data))
    if not arguments.check:
        TABLE.write_bytes(built)
    elif TABLE.read_bytes() != built:
        raise SystemExit(
            "train_complexity: the shipped table is not what the data give; run it without --check"
        )


if __name__ == "__main__":
    main()
