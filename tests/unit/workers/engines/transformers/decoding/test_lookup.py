"""Guesses from what was said before: found where it repeats, and never dear where it does not."""

from hypothesis import given
from hypothesis import strategies as st

from workers.engines.transformers.decoding.lookup import EARNED, FIRST, MATCH, MOST, PURSE, Lookup, price


def written(prompt: list[int], answer: list[int]) -> tuple[int, float, int]:
    """Steps that the answer takes, what guesses add to them, and how many were wrong."""
    lookup = Lookup(prompt)
    at = steps = wrong = 0
    added = 0.0
    guesses: list[int] = []
    while at < len(answer):
        steps += 1
        right = 0
        for guess in [*guesses, None]:
            lookup.push(answer[at])
            at += 1
            if at == len(answer) or answer[at - 1] != guess:
                break
            right += 1
        lookup.learn(len(guesses), right)
        added, wrong = added + price(len(guesses)), wrong + len(guesses) - right
        guesses = lookup.guess(len(answer) - at - 1)
    return steps, added, wrong


def test_a_copy_of_the_prompt_takes_few_steps() -> None:
    text = list(range(200))
    steps, _, wrong = written(text, text)
    assert steps <= MATCH + 200 // MOST + 4
    assert not wrong


def test_a_copy_with_changes_goes_on_behind_each_of_them() -> None:
    text = list(range(300))
    changed = [-token if token % 50 == 25 else token for token in text]
    steps, _, _ = written(text, changed)
    assert steps < 100


def test_what_repeats_nothing_is_not_guessed() -> None:
    assert written(list(range(100)), list(range(100, 200))) == (100, 0.0, 0)


@given(st.lists(st.integers(0, 2), max_size=60), st.lists(st.integers(0, 2), min_size=1, max_size=300))
def test_wrong_guesses_cost_little(prompt: list[int], answer: list[int]) -> None:
    steps, added, _ = written(prompt, answer)
    assert steps + added <= len(answer) + PURSE + EARNED * steps + 1e-6


def test_it_guesses_no_more_than_there_is_room_for() -> None:
    lookup = Lookup([*range(50), *range(MATCH)])
    assert lookup.guess(2) == [MATCH, MATCH + 1]
    assert lookup.guess(0) == lookup.guess(-1) == []
    assert len(lookup.guess(100)) <= FIRST
