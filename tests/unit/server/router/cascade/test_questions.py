"""The questions of a calibration, and how their answers are marked."""

import pytest

from ai_pal.server.router.cascade.kinds import prompted
from ai_pal.server.router.cascade.questions import LETTERS, Question, is_right, questions

ASKED = questions()


def test_they_are_the_same_every_time_and_of_every_kind_from_the_first_on() -> None:
    again = questions.__wrapped__()
    assert again == ASKED
    assert {one.set for one in ASKED[:3]} == {"choice", "fact", "sum"}
    assert len({one.id for one in ASKED}) == len(ASKED) > 200


def test_each_is_marked_right_by_its_own_answer_and_wrong_by_another() -> None:
    for one in ASKED:
        assert is_right(one, f"The answer is {one.right}.")
        assert not is_right(one, "I do not know.")
        assert not is_right(one, "")


def test_right_letters_are_spread() -> None:
    letters = [one.right for one in ASKED if one.set == "choice"]
    assert all(letters.count(letter) > 0.15 * len(letters) for letter in LETTERS)


def test_options_are_known_as_such_so_that_they_are_probed() -> None:
    for one in ASKED:
        probe = prompted(one.prompt).probe
        if one.set == "choice":
            assert probe is not None
            assert probe.among == list(LETTERS)


@pytest.mark.parametrize(
    ("question", "answer", "right"),
    [
        (Question("", "choice", "", "B"), "B. Rome", True),
        (Question("", "choice", "", "B"), "**B**", True),
        (Question("", "choice", "", "B"), "A. Berlin", False),
        (Question("", "sum", "", "1200"), "40 * 30 = 1,200", True),
        (Question("", "sum", "", "-3"), "-3", True),
        (Question("", "sum", "", "3"), "13", False),
        (Question("", "fact", "", "Brasília"), "Brasilia.", True),
        (Question("", "fact", "", "Johann Wolfgang von Goethe"), "Goethe", True),
        (Question("", "fact", "", "26"), "Iron has the atomic number 26.", True),
        (Question("", "fact", "", "Bern"), "Zürich", False),
    ],
)
def test_answers_are_marked_as_people_would(question: Question, answer: str, right: bool) -> None:
    assert is_right(question, answer) is right


@pytest.mark.parametrize(
    ("question", "answer", "right"),
    [
        (Question("", "choice", "", "B"), "To find the atomic number of", None),
        (Question("", "choice", "", "B"), "A. Berlin, since", False),
        (Question("", "sum", "", "12"), "First, we add 5 and", None),
        (Question("", "fact", "", "Bern"), "The capital is Bern, which", True),
    ],
)
def test_what_was_cut_off_before_it_said_it_is_neither_right_nor_wrong(
    question: Question, answer: str, right: bool | None
) -> None:
    assert is_right(question, answer, cut=True) is right
