"""What the score of a single text promises."""

import subprocess
import sys

import pytest

from ai_pal.server.router.complexity import explain, score
from ai_pal.server.router.complexity.reading import HEAD, TAIL

EASY = ["hi", "What is the capital of Peru?", "Danke!", "谢谢", "Translate 'good night' into Spanish."]
HARD = [
    "Prove that every finite integral domain is a field, and give a counterexample for infinite ones.",
    "Design a distributed job scheduler for 5,000 machines: consensus, failover, fairness, capacity.",
    "Entwirf die Architektur einer verteilten Datenbank mit Replikation, Ausfallsicherheit und Migrationen.",
    "证明每个有限整环都是域并说明无限的情形为什么不成立",
]


@pytest.mark.parametrize("prompt", EASY)
def test_everyday_small_talk_and_look_ups_stay_local(prompt: str) -> None:
    assert score(prompt) < 0.3


@pytest.mark.parametrize("prompt", HARD)
def test_proofs_and_designs_need_the_strong_tier(prompt: str) -> None:
    assert score(prompt) > 0.7


@pytest.mark.parametrize("prompt", ["", " ", "\n\t"])
def test_nothing_asked_is_nothing_to_do(prompt: str) -> None:
    assert explain(prompt).score == 0.0
    assert explain(prompt).features == []


def test_more_steps_are_harder() -> None:
    one = "Tom has 3 apples and buys 2. How many does he have?"
    many = (
        "Tom has 3 apples and buys twice as many on each of 4 days, eats 2 per day, sells half of the rest "
        "for 0.75 each, and spends 30 percent of the money. How much does he have left, and how many apples?"
    )
    assert score(many) > score(one)


def test_a_long_quotation_does_not_make_a_small_task_hard() -> None:
    quoted = "The committee met on Tuesday and agreed to move the fair to the end of September. " * 4
    assert score(f'Translate into French: "{quoted}"') < 0.7


def test_options_that_look_alike_are_harder_than_options_that_do_not() -> None:
    question = "Which statement about the two acts is right?\n"
    alike = "A. Wrong, wrong\nB. Wrong, not wrong\nC. Not wrong, wrong\nD. Not wrong, not wrong"
    apart = "A. Paris is big\nB. Bees make honey\nC. Ice floats well\nD. Cars need roads"
    assert score(question + alike) > score(question + apart)


def test_the_features_that_moved_it_most_come_first() -> None:
    shown = explain(HARD[0]).features
    weights = [abs(feature.weight) for feature in shown]
    assert weights == sorted(weights, reverse=True)
    assert any(feature.name == "begins with proof" and feature.weight > 0 for feature in shown)


def test_only_head_and_tail_of_a_long_prompt_are_read() -> None:
    head, tail = "a b " * (HEAD // 4), " c d" * (TAIL // 4)
    assert score(head + "prove " * 5000 + tail) == score(head + "sleep " * 5000 + tail)


def test_another_process_with_other_hash_seeds_gives_the_same_score() -> None:
    code = f"from ai_pal.server.router.complexity import explain; print(explain({HARD[1]!r}))"
    done = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert done[0] == done[1] == f"{explain(HARD[1])}\n"
