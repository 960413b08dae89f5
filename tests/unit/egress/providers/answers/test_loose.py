"""Looking into what was sent, whatever it is."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.egress.providers.answers.loose import first, part, pieces
from ai_pal.egress.providers.answers.pieces import Thought

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "thinking", "content", "summary", "data"]), inner)
    ),
    max_leaves=8,
)


class Delta(msgspec.Struct):
    text: Any = None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("Paris", ["Paris"]),
        (None, []),
        ([{"type": "text", "text": "Par"}, {"type": "text", "text": "is"}], ["Par", "is"]),
        (["Par", "is"], ["Par", "is"]),
        ([{"type": "thinking", "thinking": []}], []),
        (
            [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": "Paris"},
            ],
            [Thought("hm"), "Paris"],
        ),
        ({"type": "thinking_delta", "thinking": "hm"}, [Thought("hm")]),
        ({"type": "signature_delta", "signature": "abc"}, [Thought()]),
        ({"type": "redacted_thinking", "data": "abc"}, [Thought()]),
        ({"type": "reasoning.text", "text": "hm"}, [Thought("hm")]),
        ({"type": "reasoning.summary", "summary": "hm"}, [Thought("hm")]),
        ({"thinking": "", "text": "Paris"}, ["Paris"]),
        ({"text": {"value": "Paris"}}, ["Paris"]),
        ({"type": "input_json_delta", "partial_json": "{"}, []),
        (Delta("Paris"), ["Paris"]),
        (Delta([7]), []),
        (7, []),
    ],
)
def test_what_is_said_and_what_is_thought(content: Any, told: list[Any]) -> None:
    assert list(pieces(content)) == told


@given(ANY)
def test_whatever_it_is_only_text_comes_of_it(content: Any) -> None:
    assert all(isinstance(piece, Thought) or (isinstance(piece, str) and piece) for piece in pieces(content))


@given(ANY)
def test_what_is_not_there_is_nothing(value: Any) -> None:
    assert part(value, "not", "there") is None
    first(value)


def test_methods_are_no_parts() -> None:
    assert part(["a"], "count") is part("a", "index") is part({"a": 1}, "items") is None
