"""A schema in words that every version of the compiler understands alike. Pure."""

import re
from typing import Any

from workers.structured.formats import without_formats
from workers.structured.keywords import inner_schemas, replaced

OF_THE_COMPILER = "x-guidance"
"""Options of the compiler, which could loosen what it does: they are not the schema's to set."""


def lowered(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema, or one that is tighter."""
    node = {
        key: value
        for key, value in schema.items()
        if key != OF_THE_COMPILER and not (key == "uniqueItems" and value is False)
    }
    for name, inner in inner_schemas(node):
        node = replaced(node, name, lowered(inner))
    return _with_patterns_of_names(without_formats(node))


def _with_patterns_of_names(node: dict[str, Any]) -> dict[str, Any]:
    """What `patternProperties` says of a property with a schema of its own, said there: older compilers
    look at one of both only."""
    named, patterns = node.get("properties"), node.get("patternProperties")
    if not isinstance(named, dict) or not isinstance(patterns, dict):
        return node
    both = {
        name: {"allOf": [inner, *also]}
        for name, inner in named.items()
        if (also := [said for pattern, said in patterns.items() if _found(pattern, name)])
    }
    return node | {"properties": {**named, **both}} if both else node


def _found(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return False
