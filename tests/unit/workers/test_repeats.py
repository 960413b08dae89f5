"""When an answer is taken for one that repeats itself, and when it is not."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.repeats import DIGITS_SPAN, GRAM, SPAN, Repeats

ROOT = Path(__file__).parents[3]


def stopped_at(text: str, piece: int = 4) -> int | None:
    """Characters until it is stopped; None for never."""
    repeats = Repeats()
    for start in range(0, len(text), piece):
        if repeats.feed(text[start : start + piece]):
            return start + piece
    return None


@pytest.mark.parametrize(
    "loop",
    [
        "ha ",
        "I hope you are doing well too. ",
        "- Chicken and vegetable skewers with a side of rice\n",
        "他说他不知道。",
        "".join(f"Grandmother: line {name} of a long talk that goes round.\n" for name in "abcdefgh"),
    ],
)
def test_a_loop_is_stopped_once_it_has_been_seen_for_long_enough(loop: str) -> None:
    begin = "Here is what you asked for, and I begin with something that is new: "
    text = begin + loop * 2000
    at = stopped_at(text)
    assert at is not None
    size = len(text[:at].encode())
    assert SPAN <= size <= len((begin + loop).encode()) + SPAN + 2 * GRAM


def test_a_loop_in_which_only_numbers_change_is_stopped_later() -> None:
    lines = "".join(f"Tom is now {n} years old + {n * 7 % 911} years old.\n" for n in range(100, 999))
    at = stopped_at(lines)
    assert at is not None
    assert DIGITS_SPAN <= at <= DIGITS_SPAN + 200


@pytest.mark.parametrize(
    "meant",
    [
        ", ".join(map(str, range(1, 301))),
        "\n".join(f"{a} x {b} = {a * b}" for a in range(1, 11) for b in range(1, 11)),
        "\n".join(f'{{"id": {n}, "name": "user {n}", "mail": "u{n}@example.com"}}' for n in range(25)),
        "ha " * (SPAN // 4),
    ],
    ids=["counting", "a table", "JSON", "a short loop"],
)
def test_lists_and_tables_that_may_be_meant_are_not(meant: str) -> None:
    assert stopped_at(meant) is None


@pytest.mark.parametrize("file", ["README.md", "workers/loop.py", "ai_pal/catalog/known/entries.py"])
def test_prose_and_code_are_not(file: str) -> None:
    assert stopped_at((ROOT / file).read_text(encoding="utf-8")) is None


@given(st.integers(0, 10_000), st.integers(1, 64))
def test_words_in_any_order_are_not(seed: int, piece: int) -> None:
    words = ["the", "sea", "is", "deep", "and", "blue", "ships", "sail", "under", "wind", "slowly", "home"]
    dice = random.Random(seed)
    assert stopped_at(" ".join(dice.choice(words) for _ in range(600)), piece) is None


@given(st.text(max_size=400), st.integers(1, 64), st.integers(1, 64))
def test_how_the_text_is_cut_into_pieces_makes_no_difference(text: str, one: int, other: int) -> None:
    whole = text + "and again " * 100
    first, second = stopped_at(whole, one), stopped_at(whole, other)
    assert first is not None
    assert second is not None
    assert abs(first - second) < max(one, other)
