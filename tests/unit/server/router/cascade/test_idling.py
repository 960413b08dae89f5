"""When a model is calibrated though nobody has asked for it."""

import pytest

from ai_pal.server.router.cascade.idling import LOOK_AGAIN, MOST_SECONDS, next_step, wait
from ai_pal.server.router.cascade.measurement import FEWEST, Measurement, version
from ai_pal.server.router.cascade.questions import questions
from ai_pal.store.doubts import ASKED, Calibration, Mark, ModelDoubts, Unfinished


def known(answered: int, *, seconds: float = 0.0, tells: bool | None = None) -> ModelDoubts:
    """A model that has answered so many, every other one rightly. `tells`: its doubt says which, the opposite
    of which, or (None) nothing."""
    answers = {}
    for number, one in enumerate(questions()[:answered]):
        right = number // 3 % 2 == 0
        answers[one.id] = Mark(right, "whole", 0.5 if tells is None else float(right != tells))
    return ModelDoubts(unfinished=Unfinished(version(), answers, seconds))


@pytest.mark.parametrize(("idle", "seconds"), [(0.0, 120.0), (100.0, 20.0), (120.0, 0.0)])
def test_it_waits_until_nobody_has_asked_for_a_while(idle: float, seconds: float) -> None:
    assert wait(idle, 120.0, on_battery=False) == seconds


def test_on_a_battery_it_looks_again_later() -> None:
    assert wait(120.0, 120.0, on_battery=True) == LOOK_AGAIN


@pytest.mark.parametrize(
    ("model", "step"),
    [
        (None, "ask"),
        (known(FEWEST - 1, tells=True), "ask"),
        (known(FEWEST + 20, tells=True), "finish"),
        (known(FEWEST + 20, tells=False), "finish"),
        (known(FEWEST + 20), "ask"),
        (known(ASKED), "finish"),
        (known(FEWEST, seconds=MOST_SECONDS), "finish"),
        (known(FEWEST - 1, seconds=MOST_SECONDS), "leave"),
        (ModelDoubts(Calibration(0.5, 150)), "leave"),
    ],
)
def test_what_is_next_for_a_model(model: ModelDoubts | None, step: str) -> None:
    assert next_step(model) == step


def test_answers_to_other_questions_do_not_count() -> None:
    model = known(ASKED)
    assert model.unfinished is not None
    model.unfinished.questions = "others"
    assert next_step(model) == "ask"
    assert Measurement(model.begun(version())).done == 0


def test_what_was_answered_is_not_asked_again() -> None:
    measurement = Measurement(known(3).begun(version()))
    assert measurement.next() == questions()[3]
    assert (measurement.done, measurement.right, measurement.total) == (3, 3, ASKED)
