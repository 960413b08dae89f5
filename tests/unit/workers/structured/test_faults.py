"""Where a schema goes wrong."""

from typing import Any

import pytest

from workers.structured.faults import find_fault

BAD = {"type": "string", "bad": 1}


def complaint(schema: Any) -> str:
    """Objects to `bad` wherever it is a keyword, and follows references."""
    return 'Unimplemented keys: ["bad"]' if '"bad"' in repr(schema).replace("'", '"') else ""


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        (BAD, "#/bad"),
        ({"properties": {"a": {"items": BAD}}}, "#/properties/a/items/bad"),
        ({"anyOf": [{"type": "null"}, {"prefixItems": [BAD]}]}, "#/anyOf/1/prefixItems/0/bad"),
        ({"properties": {"a/b~": BAD}}, "#/properties/a~1b~0/bad"),
        ({"additionalProperties": {"not": BAD}}, "#/additionalProperties/not/bad"),
    ],
)
def test_the_innermost_part_is_named(schema: dict[str, Any], path: str) -> None:
    fault = find_fault(schema, complaint)
    assert fault is not None
    assert fault[0] == path


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert find_fault({"properties": {"a": {"type": "string"}}}, complaint) is None


def test_a_definition_is_named_where_it_stands() -> None:
    def follows(schema: Any) -> str:
        text = repr({key: value for key, value in schema.items() if key != "$defs"})
        return 'Unimplemented keys: ["bad"]' if "bad" in text or "#/$defs/x" in text else ""

    schema = {"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": BAD}}
    fault = find_fault(schema, follows)
    assert fault is not None
    assert fault[0] == "#/$defs/x/bad"


def test_a_definition_that_refers_to_itself_ends() -> None:
    loop = {"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"items": {"$ref": "#/$defs/x"}}}}
    assert find_fault(loop, lambda schema: "it never ends") is not None
