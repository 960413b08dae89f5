"""Where a JSON Schema goes wrong: the innermost part that a compiler refuses, as a JSON pointer. Pure."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from workers.structured.keywords import DEFINITIONS, escaped, inner_schemas, plain

MOST_PARTS = 500
"""Schemas within a schema that are looked at."""
MEANT: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("min/maxProperties", ("minProperties", "maxProperties")),
    ("integer range", ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")),
    ("float range", ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")),
    ("Resource", ("$ref", "$schema")),
    ("Pointer", ("$ref",)),
    *((words, ("pattern",)) for words in ("regex", "look-around", "references", "repetition", "escape")),
)
"""Keywords that a complaint with these words is about, without saying so."""
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


def _within(whole: dict[str, Any], path: str, part: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The schemas within a part and the one it refers to, with their paths; definitions are looked at where
    they are used."""
    for name, inner in inner_schemas(part):
        if name.split("/")[0] not in DEFINITIONS:
            yield f"{path}/{name}", inner
    reference = part.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        found: Any = whole
        for name in reference[2:].split("/"):
            key = plain(name)
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, dict):
            yield reference, found


def _with_keyword(path: str, schema: dict[str, Any], words: str) -> str:
    """The path, with the keyword that the complaint names where it is there."""
    named = [name for hint, names in MEANT if hint in words for name in names]
    named += [*QUOTED.findall(words), *words.replace(":", " ").split()]
    keyword = next((name for name in named if name in schema), "")
    return f"{path}/{escaped(keyword)}" if keyword else path
