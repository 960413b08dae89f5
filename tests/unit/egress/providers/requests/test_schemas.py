"""Schemas in the dialects of providers: narrower or refused, never wider."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.egress.providers.requests.schemas import ANTHROPIC, COHERE, OLLAMA, OPENAI, Dialect, narrowed
from ai_pal.errors import AiPalError, Code
from tests.servers.clouds import schema_checks
from tests.servers.clouds.anthropic_blocks import KEYWORDS as ANTHROPICS
from tests.servers.clouds.cohere import KEYWORDS as COHERES
from tests.servers.clouds.openai import KEYWORDS as OPENAIS

ALL = (OPENAI, ANTHROPIC, COHERE, OLLAMA)
TEXT = {"type": "string"}


def thing(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)[:1]}


def refused(schema: Any, dialect: Dialect) -> str:
    with pytest.raises(AiPalError) as raised:
        narrowed(schema, dialect)
    assert raised.value.code == Code.UNSUPPORTED
    return raised.value.failure.message


def test_openai_wants_all_properties_and_no_others() -> None:
    found = narrowed(thing(a=TEXT, b={"type": "integer", "minimum": 3, "title": "B"}), OPENAI)
    assert found["required"] == ["a", "b"]
    assert found["additionalProperties"] is False
    assert found["properties"]["b"] == {"type": "integer", "minimum": 3}


def test_anthropic_wants_no_others_and_leaves_the_rest_open() -> None:
    found = narrowed(thing(a=TEXT, b=TEXT), ANTHROPIC)
    assert found["required"] == ["a"]
    assert found["additionalProperties"] is False


def test_cohere_wants_one_property_at_least() -> None:
    assert narrowed({"type": "object", "properties": {"a": TEXT, "b": TEXT}}, COHERE)["required"] == [
        "a",
        "b",
    ]
    assert narrowed(thing(a=TEXT, b=TEXT), COHERE)["required"] == ["a"]


@pytest.mark.parametrize(
    ("schema", "dialect", "path"),
    [
        (thing(a={"type": "string", "minLength": 1}), OPENAI, "$.properties.a.minLength"),
        (thing(a={"not": TEXT}), OPENAI, "$.properties.a.not"),
        (
            thing(a={"type": "array", "items": TEXT, "uniqueItems": True}),
            OPENAI,
            "$.properties.a.uniqueItems",
        ),
        (thing(a={"type": "array"}), OPENAI, "$.properties.a"),
        (thing(a={}), OPENAI, "$.properties.a"),
        (thing(a=True), OPENAI, "$.properties.a"),
        (thing(a={"type": "object"}), OPENAI, "$.properties.a"),
        (
            thing(a={"type": "object", "additionalProperties": TEXT, "properties": {"x": TEXT}}),
            OPENAI,
            "$.properties.a.additionalProperties",
        ),
        ({"type": "array", "items": TEXT}, OPENAI, "$ of the schema"),
        ({"anyOf": [thing(a=TEXT)]}, OPENAI, "$ of the schema"),
        (thing(a={"anyOf": [TEXT, {"oneOf": [TEXT, TEXT]}]}), OPENAI, "$.properties.a.anyOf[1].oneOf"),
        (thing(a={"oneOf": [{"type": "integer"}, {"type": "number"}]}), OPENAI, "$.properties.a.oneOf"),
        (thing(a={"oneOf": [thing(x=TEXT), thing(y=TEXT)]}), OPENAI, "$.properties.a.oneOf"),
        (thing(a={"allOf": [TEXT, {"minLength": 1}]}), OPENAI, "$.properties.a.allOf"),
        (thing(a={"allOf": [TEXT], "type": "string"}), OPENAI, "$.properties.a.allOf"),
        ({**thing(a=TEXT), "required": ["b"]}, OPENAI, "$.required"),
        (thing(a={"type": "integer", "minimum": 3}), ANTHROPIC, "$.properties.a.minimum"),
        (thing(a={"type": "array", "items": TEXT, "minItems": 2}), ANTHROPIC, "$.properties.a.minItems"),
        (thing(a={"$ref": "#"}), ANTHROPIC, "$.properties.a.$ref"),
        (thing(a={"$ref": "http://elsewhere/x"}), OPENAI, "$.properties.a.$ref"),
        (thing(a={"$ref": "#/$defs/none"}), OPENAI, "$.properties.a.$ref"),
        (thing(a=TEXT, b={"$ref": "#"}), OPENAI, "$.properties.b"),
        (thing(a={"type": "number", "minimum": 3}), OLLAMA, "$.properties.a"),
        (thing(a={"type": "string", "pattern": "x", "if": {}}), OLLAMA, "$.properties.a.if"),
    ],
)
def test_what_cannot_be_said_is_refused_with_its_path(schema: Any, dialect: Dialect, path: str) -> None:
    message = refused(schema, dialect)
    assert path in message
    assert dialect.name in message


KINDS = ("cat", "dog")


@pytest.mark.parametrize("dialect", ALL)
def test_one_of_some_that_exclude_each_other_is_any_of_them(dialect: Dialect) -> None:
    age = {"type": "integer"}
    pets = {name: {**thing(kind={"const": name}, age=age), "required": ["kind", "age"]} for name in KINDS}
    named = [{"$ref": f"#/$defs/{name}"} for name in KINDS]
    told = {"discriminator": {"propertyName": "kind"}, "oneOf": named}
    schema = {**thing(pet=told, size={"oneOf": [TEXT, age]}), "$defs": pets}
    found = narrowed(schema, dialect)["properties"]
    assert found["pet"] == {"anyOf": named}
    assert found["size"] == {"anyOf": [TEXT, age]}


@pytest.mark.parametrize("dialect", ALL)
def test_all_of_a_single_one_is_that_one(dialect: Dialect) -> None:
    schema = {**thing(a={"allOf": [{"$ref": "#/$defs/x"}], "description": "d"}), "$defs": {"x": TEXT}}
    assert narrowed(schema, dialect)["properties"]["a"]["$ref"] == "#/$defs/x"


def test_a_schema_may_hold_itself_where_it_can_end() -> None:
    tree = thing(name=TEXT, children={"type": "array", "items": {"$ref": "#"}})
    found = narrowed(tree, OPENAI)
    assert found["required"] == ["name", "children"]
    assert found["properties"]["children"]["items"] == {"$ref": "#"}


def test_a_root_that_is_a_reference_is_what_it_stands_for() -> None:
    schema = {"$ref": "#/$defs/P", "$defs": {"P": thing(a=TEXT)}}
    found = narrowed(schema, OPENAI)
    assert (found["type"], found["required"]) == ("object", ["a"])
    assert found["$defs"]["P"]["additionalProperties"] is False


@pytest.mark.parametrize("dialect", ALL)
def test_what_is_no_schema_is_refused(dialect: Dialect) -> None:
    endless: dict[str, Any] = {"type": "object", "required": ["a"], "properties": {}}
    endless["properties"]["a"] = endless
    for schema in (
        {"$ref": "#"},
        {"type": "object", "properties": 7},
        {"type": "object", "properties": {"a": TEXT}, "required": 7},
        {"anyOf": 7},
        endless,
    ):
        refused(schema, dialect)


@pytest.mark.parametrize("dialect", ALL)
def test_the_given_schema_stays_as_it_is(dialect: Dialect) -> None:
    schema = thing(a=thing(b=TEXT, c=TEXT))
    narrowed(schema, dialect)
    assert schema == thing(a=thing(b=TEXT, c=TEXT))


LEAVES: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [TEXT, {"type": "integer"}, {"type": "boolean"}, {"enum": ["a", 1]}, {"const": "x"}, {"type": "null"}]
)


def _objects(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    properties = st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=3)
    return st.tuples(properties, st.randoms(use_true_random=False)).map(
        lambda drawn: {
            "type": "object",
            "properties": drawn[0],
            "required": [name for name in drawn[0] if drawn[1].random() < 0.5],
        }
    )


SCHEMAS = _objects(
    st.recursive(
        LEAVES,
        lambda inner: (
            _objects(inner)
            | inner.map(lambda one: {"type": "array", "items": one})
            | st.lists(inner, min_size=1, max_size=2).map(lambda several: {"anyOf": several})
        ),
        max_leaves=6,
    )
)


@given(SCHEMAS)
def test_what_comes_out_is_taken_and_allows_nothing_more(schema: dict[str, Any]) -> None:
    for dialect, keywords in ((OPENAI, OPENAIS), (ANTHROPIC, ANTHROPICS), (COHERE, COHERES)):
        found = narrowed(schema, dialect)
        schema_checks.check(
            found, ValueError, keywords=keywords, full=dialect.full, closed=dialect.closed, some=dialect.some
        )
        assert _validates(schema_checks.smallest(found, found), schema)


def _validates(value: Any, schema: dict[str, Any]) -> bool:
    """Enough of a validator for the schemas that are drawn here."""
    if "anyOf" in schema:
        return any(_validates(value, one) for one in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return value in schema.get("enum", [schema.get("const")])
    if schema["type"] == "object":
        inner = schema["properties"]
        if not isinstance(value, dict):
            return False
        return set(schema["required"]) <= set(value) and all(
            _validates(one, inner[name]) for name, one in value.items() if name in inner
        )
    if schema["type"] == "array":
        return isinstance(value, list) and all(_validates(one, schema["items"]) for one in value)
    kinds = {"string": str, "integer": int, "boolean": bool, "null": type(None)}
    return isinstance(value, kinds[schema["type"]])
