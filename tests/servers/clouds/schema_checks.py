"""What the clouds check of a JSON Schema, each in its own dialect, and the smallest value that validates."""

from collections.abc import Callable, Mapping
from typing import Any

Refuse = Callable[[str], Exception]


def check(
    schema: Any, refuse: Refuse, *, keywords: frozenset[str], full: bool, closed: bool, some: bool = False
) -> None:
    """Walk a schema as the documents describe it. Raises what `refuse` makes."""
    if not isinstance(schema, dict):
        raise refuse("a schema has to be an object")
    for name in schema:
        if name not in keywords:
            raise refuse(f"'{name}' is not permitted")
    if schema.get("type") == "object" or "properties" in schema:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if closed and schema.get("additionalProperties") is not False:
            raise refuse("'additionalProperties' is required to be supplied and to be false")
        if full and set(required) != set(properties):
            raise refuse("'required' is required to be supplied and to be an array including every key")
        if some and not required:
            raise refuse("every object needs at least one required property")
    for inner in _inner(schema):
        check(inner, refuse, keywords=keywords, full=full, closed=closed, some=some)


def _inner(schema: Mapping[str, Any]) -> list[Any]:
    found = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
    for name in ("$defs", "definitions"):
        found += schema.get(name, {}).values()
    return found + ([schema["items"]] if "items" in schema else [])


def smallest(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """A value that validates."""
    if "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#").split("/")[1:]:
            target = target[step]
        return smallest(target, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return smallest(schema["anyOf"][-1], root)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[-1]
    if kind == "object":
        inner = schema.get("properties", {})
        return {name: smallest(inner[name], root) for name in schema.get("required", [])}
    if kind == "array":
        return [smallest(schema["items"], root)] * schema.get("minItems", 0)
    return {"string": "", "integer": 0, "number": 0.5, "boolean": True, "null": None}[str(kind)]
