"""One model's calibration: which question is next, how far it is, what it comes to. Pure."""

import hashlib
from collections import defaultdict
from functools import cache

import msgspec

from ai_pal.server.router.cascade.calibration import Marked, area, interval
from ai_pal.server.router.cascade.kinds import prompted
from ai_pal.server.router.cascade.questions import MOST_TOKENS, Question, questions
from ai_pal.server.router.cascade.share import mean_ranks
from ai_pal.store.doubts import ASKED, LEAST_AREA, Calibration, Kind, Mark, Signal, Unfinished

FEWEST = 60
"""Answers before which nothing is clear."""


class Measurement:
    """See the module. The `answers` of an earlier run count."""

    def __init__(self, known: Unfinished, asked: list[Question] | None = None) -> None:
        self._questions = questions()[:ASKED] if asked is None else asked
        self._answers = known.answers

    @property
    def total(self) -> int:
        return len(self._questions)

    @property
    def done(self) -> int:
        """How many are answered."""
        return sum(one.id in self._answers for one in self._questions)

    @property
    def right(self) -> int:
        """How many rightly."""
        return sum(one.id in self._answers and self._answers[one.id].right for one in self._questions)

    def next(self) -> Question | None:
        """The first that is not answered yet."""
        return next((one for one in self._questions if one.id not in self._answers), None)

    @property
    def is_clear(self) -> bool:
        """Whether the rest would hardly change the verdict: enough is answered, and the interval lies on one
        side of `LEAST_AREA`."""
        if self.done < FEWEST:
            return False
        low, high = interval(self._marked())
        return high < LEAST_AREA or low >= LEAST_AREA

    def result(self) -> Calibration:
        """What the answers come to; those without a number that doubts them do not count."""
        marked = self._marked()
        return Calibration(area(marked), len(marked))

    def _marked(self) -> list[Marked]:
        groups: dict[tuple[Kind, Signal], list[Mark]] = defaultdict(list)
        for one in self._questions:
            mark = self._answers.get(one.id)
            if mark is not None and mark.signal:
                groups[_kind(one.prompt), mark.signal].append(mark)
        return [
            Marked(group, doubt, mark.right)
            for group, marks in groups.items()
            for mark, doubt in zip(marks, _doubts(marks), strict=True)
        ]


def _doubts(marks: list[Mark]) -> list[float]:
    """As the router has it: by the probe and the whole answer together, where each was measured so."""
    pairs = [(one.doubt, one.whole) for one in marks if one.whole is not None]
    return mean_ranks(pairs) if len(pairs) == len(marks) else [one.doubt for one in marks]


@cache
def _kind(prompt: str) -> Kind:
    return prompted(prompt).kind


@cache
def version() -> str:
    """Of the questions: answers to others are none to these."""
    asked = [(one.id, one.prompt, one.right) for one in questions()[:ASKED]]
    return hashlib.sha256(msgspec.json.encode([MOST_TOKENS, asked])).hexdigest()[:12]
