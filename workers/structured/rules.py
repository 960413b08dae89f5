"""Rules of llguidance's Lark that stand for JSON of a schema."""

from typing import Any

from ai_pal.protocol.options import JsonObject, JsonSchema, Tool
from workers.structured.verdict import expressed

ANY_OBJECT: dict[str, Any] = {"type": "object"}


def schema_of(wanted: JsonObject | JsonSchema) -> dict[str, Any]:
    """The schema that an answer of this form validates against."""
    return wanted.schema if isinstance(wanted, JsonSchema) else ANY_OBJECT


def json_rule(schema: dict[str, Any], where: str = "") -> str:
    """The right side of a rule. Raises as `verdict.expressed`."""
    return f"%json {expressed(schema, where)}"


def arguments_rule(tool: Tool) -> str:
    """The same for the arguments of a call, which are an object's. Raises as `verdict.expressed`."""
    return json_rule(ANY_OBJECT | tool.parameters, f"tool {tool.name}, ")
