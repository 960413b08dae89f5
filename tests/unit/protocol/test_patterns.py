"""Patterns with brackets left open."""

import time

import pytest

from ai_pal.protocol.patterns import open_bracket
from tests.process.eventually import allowed


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "a",
        r"\(",
        "(a)",
        "((a)|(?:b))",
        "[(]",
        "[)]",
        r"[\]]",
        r"[^\]()]",
        r"\[",
        "[]",
        "[^]",
        "a]",
        "a{",
        r"\p{L}",
    ],
)
def test_what_is_closed(pattern: str) -> None:
    assert not open_bracket(pattern)


@pytest.mark.parametrize(
    "pattern", ["(", "(a", "((a)", ")", "a)(", "[", "[a", r"[\]", "[^", r"\\(", "(?:", r"[a\]"]
)
def test_what_is_left_open(pattern: str) -> None:
    assert open_bracket(pattern)


@pytest.mark.parametrize(
    "piece", ["a", "(a)", "[a-z]", "(?i)[\0-\uffff]", "(?:a{1,1000}){1,1000}", "[[", "\\", "|"]
)
def test_a_long_one_is_looked_at_in_no_time(piece: str) -> None:
    began = time.process_time()
    open_bracket(piece * (1_000_000 // len(piece)))
    assert time.process_time() - began < allowed(2.0)
