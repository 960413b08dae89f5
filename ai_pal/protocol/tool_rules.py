"""Tools, and what binds the form of an answer, looked at before an engine is. Pure."""

from collections.abc import Collection, Iterator
from typing import Any

from ai_pal.errors import Code, Failure
from ai_pal.protocol.json_values import MAX_VALUES, count_values, objection_to_json
from ai_pal.protocol.options import GenerationOptions, Grammar, JsonSchema, NamedTool, Tool
from ai_pal.protocol.schema_ends import objection_to_references
from ai_pal.protocol.schemas import DEEPEST, objection_to_names
from ai_pal.protocol.schemas import objection as objection_to_schema

MOST_CHARACTERS = 128
"""Of a tool's name. Anthropic takes as many, OpenAI half of it, llama.cpp any."""

_LEVELS = 2 * DEEPEST + 20
"""Of JSON in a schema: one within another is two levels, and there are values at the end."""


def objection_to_tools(options: GenerationOptions) -> Failure | None:
    """Why these tools and this form cannot be asked for, or nothing."""
    if sum(map(count_values, _schemas(options))) > MAX_VALUES:
        message = f"the schemas of this request have more than {MAX_VALUES} values together"
        return Failure(Code.SCHEMA_INVALID, message, "send fewer tools, or smaller schemas")
    names: dict[str, int] = {}
    for index, tool in enumerate(options.tools):
        again = names.setdefault(tool.name, index) != index
        if failure := _objection_to_tool(tool, f"tools[{index}]", again):
            return failure
    if failure := _objection_to_choice(options, names):
        return failure
    match options.response_format:
        case JsonSchema(schema=schema):
            return objection_to_whole_schema(schema, "response_format.schema")
        case Grammar(grammar=text) if not text.strip():
            return Failure(Code.BAD_REQUEST, "response_format.grammar is empty", 'write root ::= "..."')
    return None


def objection_to_whole_schema(schema: dict[str, Any], where: str) -> Failure | None:
    """Why nothing can be held to a schema, or nothing. What an engine cannot express, it says itself."""
    why = objection_to_json(schema, "#", _LEVELS) or objection_to_names(schema)
    why = why or objection_to_schema(schema) or objection_to_references(schema)
    hint = "correct the schema: it is JSON Schema (2020-12)"
    return Failure(Code.SCHEMA_INVALID, f"{where} is no schema to be held to: {why}", hint) if why else None


def _objection_to_tool(tool: Tool, where: str, again: bool) -> Failure | None:
    if not _can_be_called(tool.name):
        message = f"{where}.name: a tool cannot be called {tool.name[:MOST_CHARACTERS]!r}"
        hint = f"use 1 to {MOST_CHARACTERS} letters, digits, '_' and '-', without spaces"
        return Failure(Code.BAD_REQUEST, message, hint)
    if again:
        message = f"{where}.name: there are two tools {tool.name!r}"
        return Failure(Code.BAD_REQUEST, message, "give each a name of its own")
    kind = tool.parameters.get("type", "object")
    if kind != "object":
        message = f"{where}.parameters: arguments are an object, not {kind!r}"
        return Failure(Code.SCHEMA_INVALID, message, 'write {"type": "object", "properties": {...}}')
    return objection_to_whole_schema(tool.parameters, f"{where}.parameters")


def _can_be_called(name: str) -> bool:
    """Templates write names between quotes, brackets and tags of many kinds."""
    fine = name.isprintable() and not any(mark in name for mark in " \"'`<>\\{}[]()")
    return 0 < len(name) <= MOST_CHARACTERS and fine


def _objection_to_choice(options: GenerationOptions, names: Collection[str]) -> Failure | None:
    match options.tool_choice:
        case NamedTool(name=name) if name not in names:
            there = f"there are: {', '.join([*names][:20])}" if names else "send it along in tools"
            return Failure(Code.BAD_REQUEST, f"tool_choice: there is no tool {name!r}", there)
        case "required" if not names:
            message = "tool_choice is required, and there are no tools"
            return Failure(Code.BAD_REQUEST, message, "send tools along, or leave tool_choice out")
    forced = options.tool_choice == "required" or isinstance(options.tool_choice, NamedTool)
    if forced and options.response_format is not None:
        message = "tool_choice asks for a call, and response_format for a text: an answer is one of them"
        return Failure(Code.BAD_REQUEST, message, "leave one of them out")
    return None


def _schemas(options: GenerationOptions) -> Iterator[object]:
    if isinstance(options.response_format, JsonSchema):
        yield options.response_format.schema
    for tool in options.tools:
        yield tool.parameters
