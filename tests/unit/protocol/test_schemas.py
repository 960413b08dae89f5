"""What is a JSON Schema, and what only looks like one."""

from typing import Any

import pytest

from ai_pal.protocol.schemas import DEEPEST, objection


@pytest.mark.parametrize(
    "schema",
    [
        {},
        True,
        {"name": "Alice"},  # what is no keyword says nothing
        {"type": ["object", "null"], "properties": {"type": {"type": "string"}}, "required": ["type"]},
        {"$defs": {"node": {"items": {"$ref": "#/$defs/node"}}}, "$ref": "#/$defs/node"},
        {"anyOf": [{"const": None}, {"enum": [1, "a"]}], "not": False},
        {"items": [{"type": "string"}], "additionalItems": False},
        {"minLength": 2.0, "multipleOf": 0.5, "pattern": r"^\p{L}+$"},
    ],
)
def test_a_schema_is_one(schema: Any) -> None:
    assert objection(schema) == ""


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ([], "#: a schema is an object, not []"),
        ({"type": "strng"}, "#/type: 'strng' is no type of JSON"),
        ({"type": []}, "#/type: [] is no type"),
        ({"properties": {"age": {"type": "int"}}}, "#/properties/age/type: 'int' is no type"),
        ({"properties": ["age"]}, "#/properties: an object of schemas is wanted"),
        ({"properties": {"age": "integer"}}, "#/properties/age: a schema is an object, not 'integer'"),
        ({"items": {"minItems": -1}}, "#/items/minItems: a whole number of 0 or more is wanted"),
        ({"minLength": 1.5}, "#/minLength: a whole number"),
        ({"maximum": "9"}, "#/maximum: a number is wanted, not '9'"),
        ({"required": "age"}, "#/required: a list of names"),
        ({"required": [1]}, "#/required: a list of names"),
        ({"enum": {"a": 1}}, "#/enum: a list is wanted"),
        ({"anyOf": []}, "#/anyOf: a list of schemas is wanted"),
        ({"oneOf": [{}, {"type": 1}]}, "#/oneOf/1/type: 1 is no type"),
        ({"pattern": "(a"}, "#/pattern: '(a' is no pattern"),
        ({"$ref": 1}, "#/$ref: a text is wanted"),
    ],
)
def test_what_is_none_is_told_with_its_place(schema: Any, says: str) -> None:
    assert says in objection(schema)


def test_what_is_nested_without_end_is_refused() -> None:
    schema: Any = {}
    for _ in range(DEEPEST + 1):
        schema = {"not": schema}
    assert "nested deeper" in objection(schema)
