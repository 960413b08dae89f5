"""Tools and schemas that no engine is given."""

import time
from typing import Any

import pytest

from ai_pal.errors import Code
from ai_pal.protocol.options import GenerationOptions, Grammar, JsonSchema, NamedTool, Tool
from ai_pal.protocol.tool_rules import objection_to_tools, objection_to_whole_schema

Schema = dict[str, Any]


def deep(levels: int) -> Schema:
    schema: Schema = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


LIST = {"type": "object", "properties": {"next": {"$ref": "#"}}}
ENDLESS = [
    {"$ref": "#"},
    LIST | {"required": ["next"]},
    {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
    {"type": "array", "items": {"$ref": "#"}, "minItems": 1},
    {"anyOf": [{"$ref": "#"}, {"allOf": [{"type": "string"}, {"$ref": "#"}]}]},
]
ENDING = [
    LIST,
    {"type": "object", "properties": {"n": {"anyOf": [{"type": "null"}, {"$ref": "#"}]}}, "required": ["n"]},
    {"type": "array", "items": {"$ref": "#"}},
    {"$defs": {"n": {"$anchor": "n", "type": "string"}}, "$ref": "#n"},
    {"$id": "https://example.org/s", "$defs": {"a/b": {"type": "null"}}, "$ref": "#/$defs/a~1b"},
    {
        "$id": "https://example.org/s",
        "type": "object",
        "properties": {"x": {"$ref": "https://example.org/s"}},
    },
    {"type": "object", "properties": {"$ref": {"type": "string"}}, "required": ["$ref"]},
    {"enum": [{"$ref": "#/nowhere"}]},
    deep(99),
]
WRONG = [
    ({"type": "strnig"}, "'strnig' is no type of JSON"),
    ({"properties": 5}, "#/properties: an object of schemas is wanted"),
    ({"$ref": "#/$defs/a"}, "#/$ref: '#/$defs/a' leads nowhere"),
    ({"properties": {"x": {"$ref": "https://example.org/a"}}}, "#/properties/x/$ref"),
    ({"const": float("nan")}, "#.const is nan"),
    (deep(101), "nested deeper than 100"),
    (deep(9_000), "is nested too deep"),
]


@pytest.mark.parametrize("schema", ENDLESS, ids=str)
def test_a_schema_that_holds_itself_without_end_is_refused(schema: Schema) -> None:
    failure = objection_to_whole_schema(schema, "response_format.schema")
    assert failure is not None
    assert failure.code == Code.SCHEMA_INVALID
    assert "without end" in failure.message


@pytest.mark.parametrize("schema", ENDING, ids=lambda schema: str(schema)[:60])
def test_a_schema_that_something_validates_against_is_taken(schema: Schema) -> None:
    assert objection_to_whole_schema(schema, "response_format.schema") is None


@pytest.mark.parametrize(("schema", "says"), WRONG, ids=[says for _, says in WRONG])
def test_what_is_no_schema_is_refused_with_the_path(schema: Schema, says: str) -> None:
    failure = objection_to_tools(GenerationOptions(response_format=JsonSchema(schema)))
    assert failure is not None
    assert failure.code == Code.SCHEMA_INVALID
    assert says in failure.message
    assert failure.message.startswith("response_format.schema")
    assert len(failure.message) < 250


def test_a_schema_that_was_made_to_hold_itself_in_python_is_refused() -> None:
    schema: Schema = {"type": "object"}
    schema["properties"] = {"me": schema}
    failure = objection_to_tools(GenerationOptions(tools=[Tool("a", parameters=schema)]))
    assert failure is not None
    assert failure.code == Code.SCHEMA_INVALID


def test_a_long_chain_of_references_takes_no_time() -> None:
    chain: Schema = {f"d{i}": {"$ref": f"#/$defs/d{i + 1}"} for i in range(15_000)}
    begun = time.process_time()
    assert objection_to_whole_schema({"$defs": chain | {"d15000": {}}, "$ref": "#/$defs/d0"}, "x") is None
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ({"tools": [Tool("two words")]}, Code.BAD_REQUEST, "tools[0].name: a tool cannot be called"),
        ({"tools": [Tool("a"), Tool("")]}, Code.BAD_REQUEST, "tools[1].name"),
        ({"tools": [Tool("a\nb")]}, Code.BAD_REQUEST, "tools[0].name"),
        ({"tools": [Tool("x" * 129)]}, Code.BAD_REQUEST, "tools[0].name"),
        ({"tools": [Tool("a"), Tool("b"), Tool("a")]}, Code.BAD_REQUEST, "tools[2].name: there are two"),
        ({"tools": [Tool("a", parameters={"type": "string"})]}, Code.SCHEMA_INVALID, "tools[0].parameters"),
        ({"tools": [Tool("a", parameters={"properties": []})]}, Code.SCHEMA_INVALID, "#/properties"),
        ({"tools": [Tool("a")], "tool_choice": NamedTool("b")}, Code.BAD_REQUEST, "there is no tool 'b'"),
        ({"tool_choice": NamedTool("b")}, Code.BAD_REQUEST, "there is no tool 'b'"),
        ({"tool_choice": "required"}, Code.BAD_REQUEST, "there are no tools"),
        (
            {"tools": [Tool("a")], "tool_choice": "required", "response_format": JsonSchema({})},
            Code.BAD_REQUEST,
            "an answer is one of them",
        ),
        ({"response_format": Grammar(" ")}, Code.BAD_REQUEST, "response_format.grammar is empty"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_called_is_refused(options: dict[str, Any], code: Code, says: str) -> None:
    failure = objection_to_tools(GenerationOptions(**options))
    assert failure is not None
    assert failure.code == code
    assert says in failure.message


@pytest.mark.parametrize(
    "options",
    [
        {"tools": [Tool(name) for name in ("a", "A-b_c.d", "ns:call/x", "größe", "x" * 128)]},
        {"tools": [Tool("a", parameters={})]},
        {"tools": [Tool(f"tool_{number}") for number in range(1000)], "tool_choice": "required"},
        {"tools": [Tool("a")], "tool_choice": NamedTool("a"), "parallel_tool_calls": False},
        {"tools": [Tool("a")], "response_format": JsonSchema({"type": "object"})},
        {"tool_choice": "none"},
    ],
    ids=lambda options: str(options)[:60],
)
def test_what_can_be_called_is_taken(options: dict[str, Any]) -> None:
    assert objection_to_tools(GenerationOptions(**options)) is None


def test_schemas_have_a_bound_together() -> None:
    many = {"type": "object", "properties": {str(number): {"type": "string"} for number in range(30)}}
    failure = objection_to_tools(GenerationOptions(tools=[Tool(f"t{n}", "", many) for n in range(1000)]))
    assert failure is not None
    assert failure.code == Code.SCHEMA_INVALID
    assert "more than 50000 values" in failure.message
