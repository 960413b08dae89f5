"""Where a JSON Schema goes wrong: the innermost part that a compiler refuses, as a JSON pointer. Pure."""

import re
from collections.abc import Callable, Iterator
from typing import Any

MOST_PARTS = 500
"""Schemas within a schema that are looked at."""
ONE = ("additionalProperties", "items", "not", "contains", "propertyNames", "if", "then", "else")
ONE_EACH = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
LISTS = ("anyOf", "oneOf", "allOf", "prefixItems", "items")
DEFINITIONS = ("$defs", "definitions")
QUOTED = re.compile(r'"([^"]+)"')


def find_fault(schema: dict[str, Any], complaint: Callable[[Any], str]) -> tuple[str, str] | None:
    """The path of what `complaint` objects to, and its words; None where it objects to nothing."""
    words = complaint(schema)
    if not words:
        return None
    definitions = {key: schema[key] for key in DEFINITIONS if key in schema}
    path, part, left = "#", schema, MOST_PARTS
    seen = {path}
    while left > 0:
        for place, inner in _within(schema, path, part):
            left -= 1
            if place not in seen and (said := complaint({**definitions, **inner})):
                path, part, words = place, inner, said
                seen.add(place)
                break
        else:
            break
    return _with_keyword(path, part, words), words


def inner_schemas(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The schemas directly within a schema, with their names in it."""
    for key, value in schema.items():
        match value:
            case dict() if key in ONE:
                yield key, value
            case dict() if key in ONE_EACH:
                yield from (
                    (f"{key}/{_escaped(name)}", one) for name, one in value.items() if _is_schema(one)
                )
            case list() if key in LISTS:
                yield from ((f"{key}/{index}", one) for index, one in enumerate(value) if _is_schema(one))


def _is_schema(value: Any) -> bool:
    return isinstance(value, dict)


def _within(whole: dict[str, Any], path: str, part: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The schemas within a part and the one it refers to, with their paths; definitions are looked at where
    they are used."""
    for name, inner in inner_schemas(part):
        if name.split("/")[0] not in DEFINITIONS:
            yield f"{path}/{name}", inner
    reference = part.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/") and part is not whole:
        found: Any = whole
        for name in reference[2:].split("/"):
            key = name.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, dict):
            yield reference, found


def _with_keyword(path: str, schema: dict[str, Any], words: str) -> str:
    """The path, with the keyword that the complaint names where it is there."""
    named = [*QUOTED.findall(words), *words.replace(":", " ").split()]
    keyword = next((name for name in named if name in schema), "")
    return f"{path}/{_escaped(keyword)}" if keyword else path


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
