"""What is a problem to work out, whatever words its story has."""

import pytest

from ai_pal.server.router.complexity import score
from ai_pal.server.router.complexity.material import read_prompt
from ai_pal.server.router.complexity.problem import is_problem

STORY = (
    "Maria plans a party and writes 24 invitations. She designs half of them in the morning and builds 5 "
    "boxes at noon, then explains the plan to each of her 3 friends. How many invitations are left?"
)


@pytest.mark.parametrize(
    "prompt",
    [
        STORY,
        "Find the smallest positive integer $n$ such that $617n \\equiv 943n \\pmod{18}$.",
        "Ich habe 12 Äpfel und verschenke 5. Wie viele bleiben übrig?",
        "Un billet coûte 12 euros. Combien coûtent 4 billets ?",
        "一支笔2元，买6支要多少钱？",  # noqa: RUF001
    ],
)
def test_a_value_to_work_out_is_a_problem(prompt: str) -> None:
    assert is_problem(read_prompt(prompt))


@pytest.mark.parametrize(
    "prompt",
    [
        "Write a function that finds the 2 largest of 10 numbers.",
        "Prove that there are infinitely many primes of the form 4n + 3. How many below 50 are there?",
        "Plan 3 days in Rome for 2 people; what is worth seeing?",
        "What is inflation?",
        "What is 7 * 8?\nA. 54\nB. 56\nC. 58",
        "How many times does this loop run?\n\nfor (i = 0; i < 10; i += 3) {\n  f(i);\n}",
    ],
)
def test_other_tasks_are_none(prompt: str) -> None:
    assert not is_problem(read_prompt(prompt))


def test_the_words_of_its_story_do_not_count() -> None:
    plain = STORY.replace("plans", "gives").replace("designs", "folds").replace("builds", "packs")
    assert abs(score(STORY) - score(plain)) < 0.02


def test_a_longer_one_is_harder() -> None:
    longer = STORY.replace("How many", "Each friend takes 2 of them along for her 4 neighbours. How many")
    assert (
        score("Anna has 3 apples and eats 2. How many are left?") < 0.3 < score(STORY) < score(longer) < 0.7
    )
