"""Prompts of the same kind are compared with each other."""

import pytest

from ai_pal.protocol.options import GenerationOptions, Tool
from ai_pal.server.router.cascade.kinds import is_doubtable, prompted


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("How many apples are left when 3 of 12 are eaten?", "calculation"),
        ("What is 17 * 23?", "calculation"),
        ("Solve x + 3 = 9 for x.", "calculation"),
        ("Write a Python function that reverses a list.", "code"),
        ("Why does this fail?\n```\nfoo(1)\n```", "code"),
        ("Tell me about the history of Lisbon.", "open"),
        ("Which of these is a metal?\nA. iron\nB. wood", "closed"),
        ("Is Lisbon in Spain?", "closed"),
    ],
)
def test_a_kind_by_its_words(prompt: str, kind: str) -> None:
    assert prompted(prompt).kind == kind


def test_only_closed_prompts_are_probed() -> None:
    assert prompted("Which of these is a metal?\nA. iron\nB. wood").probe is not None
    assert prompted("How many apples are left when 3 of 12 are eaten?").probe is None


def test_what_is_said_of_it_goes_first() -> None:
    assert prompted("Go on.", "code").kind == "code"


def test_a_long_prompt_is_read_in_bounded_time() -> None:
    assert prompted("write " * 200_000).kind == "open"


def test_tools_and_probabilities_are_left_alone() -> None:
    assert is_doubtable(GenerationOptions(temperature=0.2))
    assert not is_doubtable(GenerationOptions(logprobs=2))
    assert not is_doubtable(GenerationOptions(tools=[Tool("f")]))
