"""Schemas in other words that allow the same, for providers that know fewer keywords. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Resolve = Callable[[object], Mapping[str, Any] | None]
"""What a reference stands for."""


def plainer(schema: Mapping[str, Any], resolve: Resolve) -> dict[str, Any]:
    """`oneOf` of schemas that exclude each other is `anyOf`, and `allOf` of a single one is that one."""
    found = dict(schema)
    branches = found.get("oneOf")
    if "anyOf" not in found and isinstance(branches, list) and _exclude_each_other(branches, resolve):
        found = {"anyOf" if name == "oneOf" else name: value for name, value in found.items()}
        found.pop("discriminator", None)
    match found.get("allOf"):
        case [Mapping() as only] if not only.keys() & found.keys() - {"description"}:
            del found["allOf"]
            found = {**only, **found}
    return found


def _exclude_each_other(branches: Sequence[object], resolve: Resolve) -> bool:
    seen = [_seen(one, resolve) for one in branches]
    return all(_apart(one, other) for number, one in enumerate(seen) for other in seen[:number])


def _seen(schema: object, resolve: Resolve) -> Mapping[str, Any]:
    if isinstance(schema, Mapping) and "$ref" in schema:
        return resolve(schema["$ref"]) or {}
    return schema if isinstance(schema, Mapping) else {}


def _apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether no value is allowed by both, as far as that shows: by their types, by the values that each
    names, or by those of a property that both want."""
    if _named_apart(one, other):
        return True
    types, others = _types(one), _types(other)
    if types and others and not types & others:
        return True
    if types != {"object"} or others != {"object"}:
        return False
    wanted = set(one.get("required", ())) & set(other.get("required", ()))
    mine, theirs = one.get("properties", {}), other.get("properties", {})
    return any(_named_apart(mine.get(name, {}), theirs.get(name, {})) for name in wanted)


def _named_apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    values, others = _values(one), _values(other)
    return bool(values) and bool(others) and not any(value in others for value in values)


def _values(schema: Mapping[str, Any]) -> list[Any]:
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))


def _types(schema: Mapping[str, Any]) -> set[str]:
    told = schema.get("type", ["object"] if "properties" in schema else [])
    types = {told} if isinstance(told, str) else set(told)
    return types | {"integer"} if "number" in types else types
