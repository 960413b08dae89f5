"""Whether something is a JSON Schema at all: its keywords hold what they may hold. What an engine can express
of it is the engine's to say. Pure."""

from collections.abc import Callable
from typing import Any

from ai_pal.protocol.patterns import open_bracket

_TYPES = frozenset({"null", "boolean", "object", "array", "number", "integer", "string"})
SCHEMA_KEYWORDS = frozenset(
    {
        "items",
        "additionalProperties",
        "unevaluatedProperties",
        "unevaluatedItems",
        "contains",
        "propertyNames",
    }
    | {"not", "if", "then", "else", "contentSchema"}
)
SCHEMA_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SCHEMA_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_TEXTS = ("$ref", "$id", "$schema", "$anchor", "title", "description", "format", "pattern")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_WANTED: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "enum": ("a list", lambda value: isinstance(value, list)),
    "required": (
        "a list of names",
        lambda value: isinstance(value, list) and all(isinstance(name, str) for name in value),
    ),
    **dict.fromkeys(
        _COUNTS,
        ("a whole number of 0 or more", lambda value: _is_number(value) and value >= 0 and value % 1 == 0),
    ),
    **dict.fromkeys(_NUMBERS, ("a number", _is_number)),
    **dict.fromkeys(_TEXTS, ("a text", lambda value: isinstance(value, str))),
}

_KEYWORDS = (
    {
        *SCHEMA_KEYWORDS,
        *SCHEMA_LISTS,
        *SCHEMA_MAPS,
        *_WANTED,
        "type",
        "const",
        "uniqueItems",
        "dependentRequired",
    }
    | {"minContains", "maxContains", "default", "examples", "deprecated", "readOnly", "writeOnly"}
    | {"contentEncoding", "contentMediaType", "$comment", "$dynamicRef", "$dynamicAnchor", "$vocabulary"}
    | {"additionalItems", "dependencies", "id", "$recursiveRef", "$recursiveAnchor"}  # of earlier drafts
)
DEEPEST = 100
"""Levels of schemas within schemas."""


def objection_to_names(schema: dict[str, Any]) -> str:
    """Why a whole schema says nothing: it has names, and none of them is JSON Schema's. Validators would take
    it for one that allows anything; who wrote it meant something."""
    if not schema or not _KEYWORDS.isdisjoint(schema):
        return ""
    names = ", ".join(map(_shown, [*schema][:3]))
    return f"#: none of its names is a keyword of JSON Schema: {names}"


def objection(schema: Any, path: str = "#", depth: int = 0) -> str:
    """Why this is no JSON Schema, with the path to what is wrong; nothing where it is one."""
    if isinstance(schema, bool):
        return ""
    if not isinstance(schema, dict):
        return f"{path}: a schema is an object, not {_shown(schema)}"
    if depth > DEEPEST:
        return f"it is nested deeper than {DEEPEST} schemas"
    for keyword, value in schema.items():
        at = f"{path}/{keyword}"
        if wrong := _own(keyword, value, at) or _inside(keyword, value, at, depth + 1):
            return wrong
    return ""


def _own(keyword: str, value: Any, at: str) -> str:
    """What is wrong with the value of one keyword, apart from the schemas in it."""
    if keyword == "type":
        return _type(value, at)
    if keyword in _WANTED:
        what, fits = _WANTED[keyword]
        if not fits(value):
            return f"{at}: {what} is wanted, not {_shown(value)}"
    return _pattern(value, at) if keyword == "pattern" else ""


def _type(value: Any, at: str) -> str:
    names = value if isinstance(value, list) else [value]
    unknown = [name for name in names if not isinstance(name, str) or name not in _TYPES]
    return (
        f"{at}: {_shown(unknown[0] if unknown else value)} is no type of JSON" if unknown or not names else ""
    )


def _pattern(value: str, at: str) -> str:
    """Patterns are of ECMA-262: what Python cannot read may still be one, but not with brackets left open."""
    why = open_bracket(value)
    return f"{at}: {_shown(value)} is no pattern: it has {why}" if why else ""


def _inside(keyword: str, value: Any, at: str, depth: int) -> str:
    """What is wrong with the schemas that a keyword holds."""
    if keyword == "items" and isinstance(value, list):  # as before 2020-12
        keyword = "prefixItems"
    if keyword in SCHEMA_KEYWORDS:
        return objection(value, at, depth)
    if keyword in SCHEMA_LISTS:
        if not isinstance(value, list) or not value:
            return f"{at}: a list of schemas is wanted, not {_shown(value)}"
        return next(filter(None, (objection(one, f"{at}/{i}", depth) for i, one in enumerate(value))), "")
    if keyword in SCHEMA_MAPS:
        if not isinstance(value, dict):
            return f"{at}: an object of schemas is wanted, not {_shown(value)}"
        return next(filter(None, (objection(one, f"{at}/{name}", depth) for name, one in value.items())), "")
    return ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
