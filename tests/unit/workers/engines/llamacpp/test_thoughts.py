"""Thoughts whose end the template does not show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.engines.llamacpp.thoughts import Thoughts
from workers.engines.thought_marks import MARKS


def told(pieces: list[str], *, begun: bool = True) -> tuple[str, str]:
    """The thought and the answer of a text that comes in these pieces."""
    thoughts, found = Thoughts(MARKS[0], begun=begun), {"reasoning": "", "text": ""}
    for piece in pieces:
        for kind, text in thoughts.push(piece):
            found[kind] += text
    for kind, text in thoughts.end():
        found[kind] += text
    return found["reasoning"], found["text"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("\nI wonder...\n </think>\n\nIt is 4.", ("I wonder...", "It is 4.")),
        ("</think>4", ("", "4")),
        ("no end\n", ("no end", "")),
        ("a </thi b </think>c </think> d ", ("a </thi b", "c </think> d ")),
        ("cut </thin", ("cut </thin", "")),
        ("  ", ("", "")),
    ],
)
def test_a_thought_ends_at_its_tag(text: str, parts: tuple[str, str]) -> None:
    assert told([text]) == parts
    assert told(list(text)) == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("\n<think>\nI wonder</think>\n4", ("I wonder", "4")),
        ("4 <think> 5", ("", "4 <think> 5")),
        ("<thin", ("", "<thin")),
        ("<thinking>", ("", "<thinking>")),
        ("  ", ("", "")),
    ],
)
def test_a_thought_begins_with_its_tag_where_the_prompt_opens_none(text: str, parts: tuple[str, str]) -> None:
    assert told([text], begun=False) == parts
    assert told(list(text), begun=False) == parts


@given(
    st.lists(
        st.sampled_from(["</think>", "</", "think>", "<", " ", "\n", "a", "b c", "</think"]), max_size=12
    )
)
def test_it_does_not_matter_how_the_text_comes(pieces: list[str]) -> None:
    whole = "".join(pieces)
    assert told(pieces) == told([whole]) == told(list(whole))
    before, tag, behind = whole.partition("</think>")
    assert told(pieces) == (before.strip(), behind.lstrip() if tag else "")
