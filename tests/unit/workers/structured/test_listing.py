"""Numbers that can be listed, and whether older compilers write what is left of them."""

import random
from typing import Any

import pytest

from ai_pal.errors import AiPalError
from tests.compilers import COMPILERS, walk
from tests.schemas import problem
from workers.structured.listing import MOST_VALUES, listed
from workers.structured.rules import json_rule

SIGNED = {"enum": [-1.5, 2, "a"]}
WHOLE = {"type": "integer"}
IN_A: dict[str, Any] = {"type": "object", "required": ["a"]}
ONLY_A = {"properties": {"a": WHOLE}, "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "answers"),
    [
        ({**WHOLE, "enum": [-1.5, 3, 2.5]}, {"3"}),
        ({"allOf": [SIGNED, WHOLE]}, {"2"}),
        ({"allOf": [{"$ref": "#/$defs/a"}, WHOLE], "$defs": {"a": SIGNED}}, {"2"}),
        ({"type": ["integer", "null"], "anyOf": [SIGNED, {"type": "null"}]}, {"2", "null"}),
        ({"allOf": [WHOLE, {"anyOf": [{"enum": [1.5, 2]}, {"const": -7}]}]}, {"2", "-7"}),
        ({"allOf": [SIGNED, {"multipleOf": 0.5}]}, {"-1.5", "2", '"a"'}),
        ({"allOf": [{"enum": [[-1.5], [3]]}, {"items": WHOLE}]}, {"[3]"}),
        ({"allOf": [{**IN_A, "properties": {"a": SIGNED}}, IN_A | ONLY_A]}, {'{"a": 2}'}),
        ({"type": "array", "maxItems": 1, "items": {"allOf": [{"enum": [1.5]}, WHOLE]}}, {"[]"}),
        ({**WHOLE, "multipleOf": 3, "exclusiveMinimum": -9, "maximum": -2}, {"-6", "-3"}),
        ({"type": "number", "multipleOf": 0.5, "minimum": -1, "maximum": 0.2}, {"-1", "-0.5", "0"}),
    ],
)
def test_both_compilers_write_what_is_left(schema: dict[str, Any], answers: set[str]) -> None:
    lark = f"start: {json_rule(schema)}"
    for compiler in COMPILERS.values():
        said = {walk(compiler(lark), random.Random(number)) for number in range(20)}
        assert all(problem(schema, one) == "" for one in said)
        assert said == answers


def test_what_is_no_trouble_stays_as_it_is() -> None:
    def never(schema: dict[str, Any]) -> bool:
        raise AssertionError(schema)

    for schema in (
        {"type": "number", "enum": [-1.5, 2]},
        {"type": "integer", "enum": [-1, 2], "minimum": 2},
        {"type": "integer", "enum": [number / 2 for number in range(MOST_VALUES + 1)]},
        {"type": "integer", "multipleOf": 3, "maximum": -3},
        {"type": "integer", "multipleOf": 3, "minimum": -1000, "maximum": -3},
        {"type": ["integer", "string"], "multipleOf": 3, "minimum": -9, "maximum": -3},
    ):
        assert listed(schema, never) == schema


def test_what_nothing_validates_against_is_refused() -> None:
    with pytest.raises(AiPalError, match="nsatisfiable"):
        json_rule({**WHOLE, "enum": [1.5]})
