"""What answers have taught of each model's doubts, a row for each kind of prompt: as numbers. Pure."""

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import msgspec

from ai_pal.store.doubts import ASKED, Kind, ModelDoubts, Seen


class Taught(msgspec.Struct, frozen=True):
    """What is known of one model about one kind of prompt: of how many of its latest answers, how many were
    called good and bad, and the area of its calibration, None without one; then questions were `asked` so
    far."""

    model: str
    kind: str
    answers: int
    area: float | None
    can_doubt: bool
    good: int = 0
    bad: int = 0
    asked: int = 0


def taught(known: Mapping[str, ModelDoubts]) -> list[Taught]:
    """A row for each model and kind; a model of which only the calibration is known has one."""
    found = []
    for key, model in sorted(known.items()):
        area = model.calibration.area if model.calibration is not None else None
        asked = len(model.unfinished.answers) if model.unfinished is not None else 0
        kinds = {kind: seen for kind in get_args(Kind) if (seen := model.kinds.get(kind)) and is_taught(seen)}
        for kind, seen in kinds.items() or (("", Seen()),):
            said = seen.good, seen.bad
            found.append(Taught(name_of(key), kind, answers(seen), area, model.can_doubt, *said, asked))
    return found


def verdict(row: Taught) -> str:
    """Whether its model can doubt, in words."""
    if row.area is not None:
        return f"{'yes' if row.can_doubt else 'no'} ({row.area:.2f})"
    return f"calibrating, {row.asked / ASKED:.0%}" if row.asked else "not calibrated"


def is_taught(seen: Seen) -> bool:
    """Whether anything is known."""
    return bool(answers(seen) or seen.good or seen.bad)


def answers(seen: Seen) -> int:
    """How many of its latest answers have told something."""
    return max(len(seen.probe), len(seen.beginning), len(seen.whole), len(seen.both))


def name_of(key: str) -> str:
    """The model file of a key, for people."""
    return Path(key.partition(" ")[2]).name.partition(" ")[0] or key
