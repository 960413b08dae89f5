"""What the answers to the questions of a calibration come to."""

from ai_pal.server.router.cascade.measurement import Measurement
from ai_pal.server.router.cascade.questions import questions
from ai_pal.store.doubts import Mark, Unfinished

CHOICES = [one for one in questions() if one.set == "choice"][:4]


def area(*marks: Mark) -> float:
    answers = {one.id: mark for one, mark in zip(CHOICES, marks, strict=True)}
    return Measurement(Unfinished("", answers), CHOICES).result().area


def test_a_probe_and_the_whole_answer_are_judged_together() -> None:
    marks = [
        Mark(True, "probe", 0.1, 0.3),
        Mark(True, "probe", 0.3, 0.1),
        Mark(False, "probe", 0.2, 0.5),
        Mark(False, "probe", 0.5, 0.2),
    ]
    assert area(*marks) == 1.0
    for by_one in (
        [Mark(one.right, "probe", one.doubt) for one in marks],
        [Mark(one.right, "whole", one.whole or 0.0) for one in marks],
    ):
        assert area(*by_one) == 0.75


def test_what_an_earlier_version_has_measured_counts_by_its_probe() -> None:
    older, newer = Mark(True, "probe", 0.1), Mark(False, "probe", 0.5, 0.0)
    assert area(older, newer, older, newer) == 1.0
