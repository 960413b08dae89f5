"""What `scripts/evaluate_doubt` counts out of what models have told."""

import numpy as np
import pytest

from ai_pal.protocol.doubt import Doubt, Probe
from ai_pal.protocol.usage import Usage
from scripts.doubt.asking import Asked, Told
from scripts.doubt.figures import accuracy, cost
from scripts.doubt.report import Evaluation
from scripts.doubt.sets import Item

PROMPT = "Which one is a metal?\nA. iron\nB. wood"


def item(number: int) -> Item:
    asked = Asked(str(number), PROMPT, 24, Probe("Answer:", ["A", "B"]))
    return Item("exam", asked, lambda answer, cut: None if cut else answer == "A", 1.0)


def told(number: int, text: str, probe: float | None, whole: float, tokens: int = 1) -> Told:
    doubt = Doubt(tokens, -whole, whole)
    return Told(str(number), text, probe, [whole], [-whole], doubt, Usage(9, 0, tokens), 0.1, 0.1, 0.1)


def evaluated(*answers: Told) -> Evaluation:
    return Evaluation([item(number) for number in range(len(answers))], {one.id: one for one in answers})


def test_a_doubt_is_the_rank_of_the_mean_of_two_ranks() -> None:
    found = evaluated(
        told(0, "A", 0.1, 0.5), told(1, "A", 0.5, 0.1), told(2, "B", 0.4, 0.9), told(3, "B", 0.9, 0.4)
    )
    assert found.right.tolist() == [True, True, False, False]
    doubts = found.signals["doubt"].tolist()
    assert max(doubts[:2]) < min(doubts[2:])


def test_without_a_probe_the_whole_answer_counts_alone() -> None:
    found = evaluated(*(told(number, "A", None, number / 10) for number in range(4)))
    assert found.signals["doubt"].tolist() == pytest.approx([0.125, 0.375, 0.625, 0.875])


def test_what_was_cut_off_before_it_said_anything_does_not_count() -> None:
    found = evaluated(told(0, "hm", 0.1, 0.1, tokens=24), told(1, "A", 0.2, 0.2))
    assert (found.unclear, found.right.tolist()) == (1, [True])


def test_the_most_doubted_share_is_the_strong_models_and_costs_what_it_takes_there() -> None:
    doubts, costs = np.array([0.1, 0.9, 0.5]), np.array([1.0, 2.0, 4.0])
    right, strong = np.array([True, False, True]), np.array([0.0, 1.0, 1.0])
    shares = (0.0, 1 / 3, 1.0)
    assert [accuracy(doubts, right, strong, one) for one in shares] == pytest.approx([2 / 3, 1.0, 2 / 3])
    assert [cost(doubts, costs, one) for one in shares] == pytest.approx([0.0, 2000 / 3, 7000 / 3])


def test_the_tables_have_a_row_for_each_share() -> None:
    found = evaluated(*(told(number, "AB"[number % 2], number / 9, number / 9) for number in range(10)))
    assert [row.split("|")[1].strip() for row in found.shares()[2:]] == [f"{at / 10:.1f}" for at in range(11)]
    assert found.shares()[2].count("($0.00)") == 3, "nothing is asked of it"
    assert found.escalated()[0].startswith("of all 10, 0.50 are wrong")
