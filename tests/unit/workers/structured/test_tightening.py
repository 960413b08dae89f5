"""Schemas with an end."""

from typing import Any

import pytest

from workers.structured.tightening import LARGEST_INTEGER, tightened

SHUT = {"additionalProperties": False}
WHOLE = {"type": "integer"}
BOUNDED = {"type": "integer", "minimum": -LARGEST_INTEGER, "maximum": LARGEST_INTEGER}
OPEN: dict[str, Any] = {"properties": {"a": WHOLE}}
CLOSED: dict[str, Any] = {"properties": {"a": BOUNDED}, **SHUT}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (WHOLE, BOUNDED),
        ({"type": ["integer", "null"]}, {**BOUNDED, "type": ["integer", "null"]}),
        ({"properties": {"items": OPEN}}, {"properties": {"items": CLOSED}, **SHUT}),
        ({"items": {"anyOf": [OPEN, True]}}, {"items": {"anyOf": [CLOSED, True]}}),
        ({"prefixItems": [WHOLE, OPEN]}, {"prefixItems": [BOUNDED, CLOSED]}),
        ({"type": "object", "oneOf": [OPEN, WHOLE]}, {"type": "object", "oneOf": [CLOSED, BOUNDED]}),
        ({"properties": {}, "minProperties": 0}, {"properties": {}, "minProperties": 0, **SHUT}),
        (
            {"$ref": "#/$defs/o", "title": "T", "$defs": {"o": OPEN}},
            {"$ref": "#/$defs/o", "title": "T", "$defs": {"o": CLOSED}},
        ),
        (
            {"properties": {"a": {"allOf": [{"$ref": "#/definitions/o"}]}}, "definitions": {"o": OPEN}},
            {"properties": {"a": {"allOf": [{"$ref": "#/definitions/o"}]}}, "definitions": {"o": CLOSED}}
            | SHUT,
        ),
    ],
    ids=str,
)
def test_objects_are_closed_and_integers_bounded(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert tightened(schema) == expected


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 3},
        {"type": "number"},
        {"type": ["integer", "number"]},
        {"enum": [WHOLE]},
        {"const": {"items": WHOLE, **OPEN}},
        {"properties": {}, "additionalProperties": {"type": "string"}},
        {"properties": {}, "additionalProperties": True},
        {"properties": {}, "patternProperties": {"x": {}}},
        {"properties": {"a": {}}, "required": ["b"]},
        {"properties": {"a": {}}, "minProperties": 2},
        {"allOf": [OPEN, {"properties": {"b": WHOLE}}]},
        {"properties": {"kind": {}}, "anyOf": [OPEN, WHOLE]},
        {"$ref": "#/$defs/o", "required": ["b"], "$defs": {"o": OPEN}},
        {"allOf": [{"$ref": "#/$defs/o"}, {"$ref": "#/$defs/p"}], "$defs": {"o": OPEN, "p": OPEN}},
        {"anyOf": [{"$ref": "#here"}], "required": ["a"], "items": {"$anchor": "here", **OPEN}},
    ],
    ids=str,
)
def test_what_says_so_itself_or_is_said_by_several_stays(schema: dict[str, Any]) -> None:
    assert tightened(schema) == schema


def test_what_a_shared_definition_refers_to_stays_too() -> None:
    inner, alone = {"type": "object", **OPEN}, dict(OPEN)
    schema: dict[str, Any] = {
        "properties": {"x": {"$ref": "#/$defs/outer", "minProperties": 1}, "y": {"$ref": "#/$defs/alone"}},
        "$defs": {"outer": {"items": {"$ref": "#/$defs/inner"}}, "inner": inner, "alone": alone},
    }
    assert tightened(schema)["$defs"] == {**schema["$defs"], "alone": CLOSED}
