"""Any text and any conversation has a score, soon."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.protocol.content import Message
from ai_pal.server.router.complexity import explain, score

# Lone surrogates too: that is what a terminal makes of bytes that are no UTF-8.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)
MESSAGES = st.lists(
    st.builds(Message, role=st.sampled_from(["system", "user", "assistant"]), content=ANY_TEXT), max_size=6
)
HUGE = 10_000_000
LIMIT = 0.1  # seconds of one core; 6 ms is usual for the longest
UNITS = [
    "x", "word ", "1,", "A. a\n", "B) \n", '"', "„", "“", "«", ":", "\\", "(", "```", "证", "。", "def a\n",
    "- \n", "a\u0301", "\ud800", "\0", "🤖", "a-", "a'", "\n x", " \n", "part ", "(i)", "f(", "=", "I. ",
]  # fmt: skip


@given(ANY_TEXT)
def test_any_text_has_a_score_between_0_and_1_and_always_the_same(text: str) -> None:
    first = explain(text)
    assert 0 <= first.score <= 1
    assert explain(text) == first
    assert len(first.features) <= 10


@given(MESSAGES)
def test_any_conversation_has_a_score_between_0_and_1(messages: list[Message]) -> None:
    assert 0 <= score(messages) <= 1


@given(st.lists(st.sampled_from(UNITS), min_size=1, max_size=5), st.integers(1, 5000))
def test_any_repetition_is_scored_in_bounded_time(units: list[str], times: int) -> None:
    begin = time.thread_time()
    score("".join(units) * times)
    assert time.thread_time() - begin < LIMIT


@pytest.mark.parametrize("unit", UNITS)
def test_ten_megabytes_are_scored_as_fast_as_a_page(unit: str) -> None:
    text = unit * (HUGE // len(unit))
    begin = time.thread_time()
    assert 0 <= score(text) <= 1
    assert time.thread_time() - begin < LIMIT
