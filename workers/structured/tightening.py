"""A schema that small models find an end of: objects have no properties but those that are named, integers no
more digits than programs can keep. What validates against it validates against the schema. Pure.

What several schemas say together about one value stays as it is: each of them alone would be too tight.
"""

from collections.abc import Iterator
from typing import Any

from workers.structured.keywords import DEFINITIONS, definition, inner_schemas, replaced

LARGEST_INTEGER = 10**15
SAYS_SIZE = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "enum", "const"}
)
"""What else says how large an integer is."""
IN_PLACE = frozenset({"$ref", "$dynamicRef", "anyOf", "oneOf", "allOf"})
"""What applies other schemas to the same value."""
SAYS_NOTHING = frozenset(
    {"type", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"}
    | {"$defs", "definitions", "$schema", "$id", "$comment", "$anchor", "discriminator"}
)
"""Beside what applies others."""
SAYS_MORE_PROPERTIES = frozenset({"additionalProperties", "patternProperties", "unevaluatedProperties"})


def tightened(schema: dict[str, Any]) -> dict[str, Any]:
    """Of a schema whose `oneOf` exclude each other: they go on doing so."""
    shared: set[str] = set()
    for node in _nodes(schema):
        if _combines(node):
            for inside in _nodes(node):
                reference = inside.get("$ref")
                if reference is not None or "$dynamicRef" in inside:
                    shared.add(str(reference))
    if any(definition(schema, one) is None for one in shared):
        return schema  # what they refer to may be anywhere
    return _tight(schema, _reached(schema, shared))


def _tight(node: dict[str, Any], shared: set[str], at: str = "#") -> dict[str, Any]:
    if _combines(node):
        return node
    tight = node
    for name, inner in inner_schemas(node):
        if name.split("/")[0] in DEFINITIONS and (at != "#" or f"#/{name}" in shared):
            continue
        tight = replaced(tight, name, _tight(inner, shared, f"{at}/{name}"))
    return _ending(tight)


def _ending(node: dict[str, Any]) -> dict[str, Any]:
    """What the schema says of its own value, with an end."""
    named = node.get("properties")
    if isinstance(named, dict) and SAYS_MORE_PROPERTIES.isdisjoint(node):
        enough = len(named) >= node.get("minProperties", 0) and {*node.get("required", ())} <= {*named}
        return node | {"additionalProperties": False} if enough else node
    kinds = node.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "integer" in kinds and "number" not in kinds and SAYS_SIZE.isdisjoint(node):
        return node | {"minimum": -LARGEST_INTEGER, "maximum": LARGEST_INTEGER}
    return node


def _combines(node: dict[str, Any]) -> bool:
    """Whether several schemas apply to the value of this one."""
    several = [key for key in node if key in IN_PLACE]
    if not several:
        return False
    others = len(several) > 1 or any(key not in IN_PLACE | SAYS_NOTHING for key in node)
    return others or len(node.get("allOf", ())) > 1


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema and all within it."""
    left = [node]
    while left:
        found = left.pop()
        yield found
        left += [inner for _, inner in inner_schemas(found)]


def _reached(schema: dict[str, Any], references: set[str]) -> set[str]:
    """These definitions, and those that they refer to in turn."""
    reached, left = set[str](), [*references]
    while left:
        reference = left.pop()
        if reference in reached or (found := definition(schema, reference)) is None:
            continue
        reached.add(reference)
        left += [str(node["$ref"]) for node in _nodes(found) if "$ref" in node]
    return reached
