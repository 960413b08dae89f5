"""A small JSON value that fits a schema of the usual kind, for the echo engine. Pure."""

import math
from typing import Any

DEEPEST = 16


def instance_of(schema: Any, said: str = "", root: Any = None, depth: int = 0) -> Any:
    """The value; strings are `said`, where they may be."""
    root = schema if root is None else root
    if not isinstance(schema, dict) or depth > DEEPEST:
        return None
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if chosen := _elsewhere(schema, root):
        return instance_of(chosen, said, root, depth + 1)
    return _typed(schema, said, root, depth)


def _typed(schema: dict[str, Any], said: str, root: Any, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            wanted = set(schema.get("required", ())) | (
                set(schema.get("properties", ())) if depth == 0 else set()
            )
            properties = schema.get("properties", {}).items()
            return {
                name: instance_of(one, said, root, depth + 1) for name, one in properties if name in wanted
            }
        case "array":
            item = instance_of(schema.get("items", {}), said, root, depth + 1)
            return [item] * schema.get("minItems", 0)
        case "integer" | "number":
            return math.ceil(schema.get("minimum", 0))
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return said.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength")]


def _elsewhere(schema: dict[str, Any], root: Any) -> Any:
    """The schema that stands for this one: what it refers to, or the first that it allows."""
    if "$ref" not in schema:
        return (schema.get("anyOf") or schema.get("oneOf") or [None])[0]
    for step in str(schema["$ref"]).removeprefix("#").strip("/").split("/"):
        root = root.get(step, {}) if step and isinstance(root, dict) else root
    return root
