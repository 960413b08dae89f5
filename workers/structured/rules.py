"""Rules of llguidance's Lark that stand for JSON of a schema."""

import json
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


def call_words(name: str, key: str) -> str:
    """What a call in JSON begins with; `key` leads to its arguments. A brace ends it.

    In the words that JSON's own rules are made of: the compiler reads the longest word that may come, and one
    for all of the beginning would rule out any other document that begins with the same brace."""
    words = ["{", '"name"', ": ", json.dumps(name, ensure_ascii=False), ", ", json.dumps(key), ": "]
    return " ".join(map(json.dumps, words))
