"""Everyday prompts in twelve kinds and five languages, with the tier that each deserves."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

PATH = Path(__file__).with_name("everyday.jsonl")
TIERS = ("local", "mid", "strong")


class Everyday(NamedTuple):
    """One prompt; `tier` is 0 for local, 1 for mid, 2 for strong."""

    id: str
    language: str
    kind: str
    tier: int
    prompt: str

    @property
    def held_out(self) -> bool:
        """Half of them are never learned from; which half hangs on the id alone."""
        return hashlib.sha256(self.id.encode()).digest()[-1] % 2 == 1


def load() -> list[Everyday]:
    """All of them, in the file's order."""
    rows = [json.loads(line) for line in PATH.open(encoding="utf-8")]
    return [Everyday(r["id"], r["language"], r["kind"], TIERS.index(r["tier"]), r["prompt"]) for r in rows]


def tier_of(score: float) -> int:
    """The tier of a score: below 0.3 local, above 0.7 strong."""
    return 0 if score < 0.3 else 2 if score > 0.7 else 1
