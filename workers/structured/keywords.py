"""Where a JSON Schema has other schemas in it. Pure."""

from collections.abc import Iterator
from typing import Any

ONE = ("additionalProperties", "items", "not", "contains", "propertyNames", "if", "then", "else")
ONE_EACH = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
LISTS = ("anyOf", "oneOf", "allOf", "prefixItems", "items")
DEFINITIONS = ("$defs", "definitions")


def inner_schemas(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The schemas directly within a schema, with their names in it, as in a JSON pointer."""
    for key, value in schema.items():
        match value:
            case dict() if key in ONE:
                yield key, value
            case dict() if key in ONE_EACH:
                yield from ((f"{key}/{escaped(name)}", one) for name, one in value.items() if _is_schema(one))
            case list() if key in LISTS:
                yield from ((f"{key}/{index}", one) for index, one in enumerate(value) if _is_schema(one))


def replaced(schema: dict[str, Any], name: str, inner: Any) -> dict[str, Any]:
    """The schema with another one in the place that `inner_schemas` calls so."""
    keyword, _, rest = name.partition("/")
    held = schema[keyword]
    if isinstance(held, list):
        return {**schema, keyword: [*held[: int(rest)], inner, *held[int(rest) + 1 :]]}
    return {**schema, keyword: {**held, plain(rest): inner} if keyword in ONE_EACH else inner}


def definition(schema: dict[str, Any], reference: str) -> dict[str, Any] | None:
    """What `#/$defs/NAME` stands for; None for any other kind of reference."""
    start, _, rest = reference.partition("#/")
    keyword, _, name = rest.partition("/")
    if start or keyword not in DEFINITIONS or "/" in name:
        return None
    found = schema.get(keyword, {}).get(plain(name))
    return found if isinstance(found, dict) else None


def escaped(name: str) -> str:
    """A name as a step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def plain(step: str) -> str:
    """The name that a step of a JSON pointer stands for."""
    return step.replace("~1", "/").replace("~0", "~")


def _is_schema(value: Any) -> bool:
    return isinstance(value, dict)
