"""The public exam sets that the ranking is learned from: how hard they are, what a strong model gains."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FILES = {"mmlu": "mmlu_train.jsonl", "mmlupro": "mmlupro_train.jsonl", "math_l5": "math_l5_train.jsonl"}
Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Exams(NamedTuple):
    """Rows of all sets, one entry per prompt."""

    prompts: list[str]
    sets: NDArray[np.str_]
    subjects: NDArray[np.str_]
    failing: Array
    """Share of models that fail, or NaN where only one pair of models is known."""
    gap: Array
    """Quality of the strong side less that of the weak side: what APGR counts."""
    failed: Array
    """1 less the quality of the weak side: how hard a prompt is for it."""


def _failing(row: dict[str, object]) -> float:
    scores = row.get("scores")
    return 1 - sum(scores.values()) / len(scores) if isinstance(scores, dict) else float("nan")


def load(folder: Path) -> Exams:
    """Read the sets from a folder."""
    rows = [json.loads(line) for file in FILES.values() for line in (folder / file).open(encoding="utf-8")]
    weak, strong = (np.array([float(row[side]) for row in rows]) for side in ("weak", "strong"))
    return Exams(
        [row["prompt"] for row in rows],
        np.array([row["dataset"] for row in rows]),
        np.array([f"{row['dataset']}/{row['group']}" for row in rows]),
        np.array([_failing(row) for row in rows]),
        strong - weak,
        1 - weak,
    )


def digest(folder: Path) -> str:
    """SHA-256 over the files, in their order."""
    whole = hashlib.sha256()
    for file in FILES.values():
        whole.update((folder / file).read_bytes())
    return whole.hexdigest()
