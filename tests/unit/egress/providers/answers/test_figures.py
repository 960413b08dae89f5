"""Figures as providers tell them, and what is none."""

import pytest

from ai_pal.egress.providers.answers.figures import MOST_TOKENS, tokens, usage
from ai_pal.protocol.usage import Usage


@pytest.mark.parametrize("said", [None, "7", True, -1, 1.5, float("nan"), float("inf"), [7], MOST_TOKENS + 1])
def test_what_is_no_count_was_not_told(said: object) -> None:
    assert tokens(said) == 0


def test_no_more_of_a_prompt_comes_from_the_cache_than_it_has() -> None:
    assert usage(100, 1000, 5) == Usage(100, 100, 5)
    assert usage(100, 40, 5) == Usage(100, 40, 5)
