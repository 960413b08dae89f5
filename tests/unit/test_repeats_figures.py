"""What `scripts/repeats` counts: texts that go round, and answers that are known."""

from pathlib import Path

import pytest

from scripts.benchmarks import repeats
from scripts.benchmarks.known_answers import PARIS, is_right
from scripts.complexity import everyday


def test_a_text_repeats_itself_only_where_it_goes_round() -> None:
    assert repeats.repeats("I hope you are doing well too. " * 40)
    assert not repeats.repeats(Path(repeats.__file__).read_text(encoding="utf-8"))
    assert not repeats.repeats("ha " * 20)


def test_the_seed_makes_the_prompts_and_english_comes_first() -> None:
    assert repeats.prompts(200, 1) == repeats.prompts(200, 1) != repeats.prompts(200, 2)
    english = {row.prompt for row in everyday.load() if row.language == "en"}
    assert set(repeats.prompts(len(english), 1)) == english


@pytest.mark.parametrize(
    ("question", "answer", "right"),
    [
        (PARIS, "The capital of France is Paris.", True),
        (PARIS, "It is Lyon.", False),
        ("What is 2 + 2?", "2 + 2 = 4", True),
        ("What is 2 + 2?", "It is 44.", False),
    ],
)
def test_known_answers_are_told_from_others(question: str, answer: str, right: bool) -> None:
    assert is_right(question, answer) is right
