"""Schemas as they are compiled."""

from typing import Any

import pytest

from workers.engines.transformers.constraint import LARGEST_INTEGER, with_bounds
from workers.engines.transformers.infill import marks_of

BOUNDED = {"type": "integer", "minimum": -LARGEST_INTEGER, "maximum": LARGEST_INTEGER}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, BOUNDED),
        ({"type": "integer", "minimum": 3}, {"type": "integer", "minimum": 3}),
        ({"enum": [{"type": "integer"}]}, {"enum": [{"type": "integer"}]}),
        ({"properties": {"items": {"type": "integer"}}}, {"properties": {"items": BOUNDED}}),
        ({"items": {"anyOf": [{"type": "integer"}, True]}}, {"items": {"anyOf": [BOUNDED, True]}}),
        ({"oneOf": [{"type": "integer"}]}, {"oneOf": [{"type": "integer"}]}),
        ({"const": {"items": {"type": "integer"}}}, {"const": {"items": {"type": "integer"}}}),
    ],
    ids=str,
)
def test_integers_end_and_values_are_not_touched(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert with_bounds(schema) == expected


def test_the_gap_is_told_as_the_family_wants_it() -> None:
    qwen = marks_of({"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "x"})
    mistral = marks_of({"[PREFIX]", "[SUFFIX]"})
    assert qwen is not None
    assert mistral is not None
    assert "".join(qwen.arrange("a", "b")) == "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>"
    assert "".join(mistral.arrange("a", "b")) == "[SUFFIX]b[PREFIX]a"
    assert marks_of({"<|fim_prefix|>"}) is None
