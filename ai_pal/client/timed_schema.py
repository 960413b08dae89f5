"""JSON Schemas of msgspec's types that say of each time how it is written: msgspec leaves that open where
its zone may be missing, and then any text would do. Pure."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

NAIVE = r"^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"
"""A time of some day without a zone."""
DEFINITIONS = "#/$defs/"
Definitions = dict[str, dict[str, Any]]


def json_schema(kind: Any) -> dict[str, Any]:
    """Raises `TypeError` for what msgspec cannot describe."""
    schema = msgspec.json.schema(kind)
    _fill(inspect.type_info(kind), schema, schema.get("$defs", {}), set())
    return schema


def _fill(info: Any, node: Any, definitions: Definitions, seen: set[str]) -> None:
    """Into the schema of a type, and of all within it."""
    if not isinstance(node, dict):
        return
    if isinstance(reference := node.get("$ref"), str):
        if reference in seen:
            return
        seen.add(reference)
        node = definitions[reference.removeprefix(DEFINITIONS)]
    match info:
        case inspect.DateTimeType(tz=None):
            node.setdefault("format", "date-time")
        case inspect.DateTimeType(tz=False):
            node.setdefault("pattern", NAIVE)
        case inspect.TimeType(tz=None):
            node.setdefault("format", "time")
    for inner, at in [*_within(info, node), *_fields(info, node)]:
        _fill(inner, at, definitions, seen)


def _within(info: Any, node: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """The types that a type is made of, with their schemas."""
    match info:
        case inspect.Metadata():
            yield info.type, node
        case inspect.UnionType():
            yield from (
                (one, branch)
                for one in info.types
                for branch in node.get("anyOf", ())
                if _stands_for(one, branch)
            )
        case inspect.TupleType():
            yield from zip(info.item_types, node["prefixItems"], strict=True)
        case inspect.CollectionType():
            yield info.item_type, node.get("items")
        case inspect.DictType():
            yield info.value_type, node.get("additionalProperties")


def _fields(info: Any, node: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    match info:
        case inspect.StructType(array_like=True) | inspect.NamedTupleType():
            items = node["prefixItems"][-len(info.fields) :] if info.fields else []  # a tag comes first
            yield from zip([field.type for field in info.fields], items, strict=True)
        case inspect.StructType() | inspect.TypedDictType() | inspect.DataclassType():
            yield from ((field.type, node["properties"][field.encode_name]) for field in info.fields)


def _stands_for(info: Any, branch: dict[str, Any]) -> bool:
    """Whether a branch of a union is the one of this type: msgspec's have one text, one list, one object, or
    objects with names."""
    while isinstance(info, inspect.Metadata):
        info = info.type
    reference = str(branch.get("$ref", "")).removeprefix(DEFINITIONS)
    if reference:
        return reference.rpartition(".")[2] == getattr(getattr(info, "cls", None), "__name__", "")
    match info:
        case inspect.DateTimeType() | inspect.TimeType():
            return branch.get("type") == "string" and not {"format", "pattern", "enum"} & {*branch}
        case inspect.TupleType() | inspect.CollectionType():
            return branch.get("type") == "array"
        case inspect.DictType():
            return branch.get("type") == "object"
    return False
