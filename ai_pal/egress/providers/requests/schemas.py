"""JSON Schemas as providers enforce them. Pure.

Each enforces a dialect of its own. A schema is narrowed to it where everything that the narrower one allows
is allowed by the wider, too; whatever the dialect cannot express is refused with its path: an answer that
might not validate is none that was asked for."""

from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec

from ai_pal.egress.providers.requests.unions import plainer
from ai_pal.errors import Code, fail

_ANNOTATIONS = frozenset(
    {"$schema", "$id", "$comment", "default", "examples", "deprecated", "readOnly", "writeOnly", "title"}
)
"""They bind nothing, and are left out."""

_COMMON = frozenset(
    {"type", "enum", "const", "properties", "required", "additionalProperties", "items", "anyOf"}
    | {"$ref", "$defs", "definitions", "description"}
)
_DEFINITIONS = ("$defs", "definitions")
_BOUNDS = frozenset({"multipleOf", "maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum"})
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})


class Dialect(msgspec.Struct, frozen=True):
    """What a provider enforces. `closed`: objects have no other properties than those that are named, `full`:
    and have all of them; `some`: at least one. `bounded` types may have bounds. `rooted`: the answer is an
    object. `nested`: a schema may hold itself."""

    name: str
    keywords: frozenset[str]
    closed: bool = True
    full: bool = False
    some: bool = False
    rooted: bool = True
    nested: bool = True
    formats: frozenset[str] = _FORMATS
    fewest: int | None = None


OPENAI = Dialect(
    "OpenAI",
    _COMMON | _BOUNDS | {"pattern", "format", "minItems", "maxItems"},
    full=True,
)
"""https://platform.openai.com/docs/guides/structured-outputs"""

ANTHROPIC = Dialect(
    "Anthropic",
    _COMMON | {"format", "minItems"},
    rooted=False,
    nested=False,
    formats=_FORMATS | {"uri"},
    fewest=1,
)
"""https://platform.claude.com/docs/en/build-with-claude/structured-outputs"""

COHERE = Dialect(
    "Cohere",
    _COMMON | {"pattern", "format"},
    closed=False,
    some=True,
    formats=frozenset({"date-time", "time", "date", "uuid"}),
)
"""https://docs.cohere.com/docs/parameter-types-in-json"""

OLLAMA = Dialect(
    "Ollama",
    _COMMON
    | {"minItems", "maxItems", "minLength", "maxLength", "pattern", "prefixItems"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    closed=False,
    rooted=False,
    formats=frozenset(),
)
"""What llama.cpp's grammars of schemas express."""


def narrowed(schema: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    """The schema in a provider's dialect. Raises `AiPalError` (`unsupported`)."""
    try:
        found = _Narrowing(schema, dialect).of(schema, "$")
    except (AttributeError, TypeError, RecursionError):  # where a schema is to be, there is none
        _refuse("$", "a schema that is none", dialect)
    if dialect.rooted and found.get("type") != "object":
        _refuse("$", "an answer that is no object", dialect)
    return found


class _Narrowing:
    def __init__(self, root: Mapping[str, Any], dialect: Dialect) -> None:
        self._root, self._dialect = root, dialect

    def of(self, schema: object, path: str) -> dict[str, Any]:
        if not isinstance(schema, Mapping):
            _refuse(path, "a schema that says nothing", self._dialect)
        said = plainer(schema, self._target)
        found = {name: value for name, value in said.items() if name not in _ANNOTATIONS}
        if found.get("format") not in self._dialect.formats:
            found.pop("format", None)  # by itself it binds nothing
        for name in found:
            if name not in self._dialect.keywords:
                _refuse(f"{path}.{name}", name, self._dialect)
        if "$ref" in found:
            return self._reference(found, path)
        if "properties" in found:
            found.setdefault("type", "object")
        if not {"type", "enum", "const", "anyOf"} & found.keys():
            _refuse(path, "a value of any type", self._dialect)
        self._check(found, path)
        self._go_in(found, path)
        return self._object(found, path) if "object" in _types(found) else found

    def _go_in(self, found: dict[str, Any], path: str) -> None:
        for name in _DEFINITIONS:
            if name in found:
                inner = found[name].items()
                found[name] = {key: self.of(value, f"{path}.{name}.{key}") for key, value in inner}
        for name in ("anyOf", "prefixItems"):
            if name in found:
                inner = enumerate(found[name])
                found[name] = [self.of(one, f"{path}.{name}[{number}]") for number, one in inner]
        if "items" in found:
            found["items"] = self.of(found["items"], f"{path}.items")

    def _check(self, found: dict[str, Any], path: str) -> None:
        types, fewest = _types(found), self._dialect.fewest
        if fewest is not None and found.get("minItems", 0) > fewest:
            _refuse(f"{path}.minItems", f"more than {fewest} for minItems", self._dialect)
        if self._dialect is OLLAMA and "number" in types and _BOUNDS & found.keys():
            _refuse(path, "bounds of a number that is no integer", self._dialect)
        if "array" in types and not {"items", "prefixItems"} & found.keys():
            _refuse(path, "a list of anything", self._dialect)

    def _object(self, found: dict[str, Any], path: str) -> dict[str, Any]:
        dialect, properties = self._dialect, found.get("properties", {})
        if not properties and found.get("additionalProperties") is not False:
            _refuse(path, "an object of any properties", dialect)
        if isinstance(found.get("additionalProperties"), Mapping):
            _refuse(f"{path}.additionalProperties", "additionalProperties with a schema", dialect)
        required = list(found.get("required", ()))
        if missing := [name for name in required if name not in properties]:
            _refuse(f"{path}.required", f"{missing[0]}, which is no property", dialect)
        if dialect.full or (dialect.some and not required):
            optional = [name for name in properties if name not in required]
            for name in optional:
                if self._is_nested(properties[name]):
                    _refuse(f"{path}.properties.{name}", "an optional property that holds itself", dialect)
            found["required"] = [*required, *optional]
        if dialect.closed:
            found["additionalProperties"] = False
        if properties:
            inner = properties.items()
            found["properties"] = {key: self.of(one, f"{path}.properties.{key}") for key, one in inner}
        return found

    def _is_nested(self, schema: object) -> bool:
        """Whether a property that is made to be there may want itself."""
        return isinstance(schema, Mapping) and "$ref" in schema and self._holds_itself(schema["$ref"])

    def _reference(self, found: dict[str, Any], path: str) -> dict[str, Any]:
        reference = found["$ref"]
        target = self._target(reference)
        if target is None:
            _refuse(f"{path}.$ref", f"the reference {reference}", self._dialect)
        if not self._dialect.nested and self._holds_itself(reference):
            _refuse(f"{path}.$ref", "a schema that holds itself", self._dialect)
        others = found.keys() - {"$ref", "description", *_DEFINITIONS}
        if others:
            _refuse(f"{path}.{min(others)}", f"{min(others)} beside $ref", self._dialect)
        if path != "$":
            return {"$ref": reference}
        return self.of(dict(target) | {name: found[name] for name in _DEFINITIONS if name in found}, path)

    def _target(self, reference: object) -> Mapping[str, Any] | None:
        if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
            return None
        value: object = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            value = value.get(name) if isinstance(value, Mapping) else None
        return value if isinstance(value, Mapping) else None

    def _holds_itself(self, reference: object) -> bool:
        seen: set[str] = set()
        left = [reference]
        while left:
            target = self._target(left.pop())
            for inner in _references(target):
                if inner == reference:
                    return True
                if inner not in seen:
                    seen.add(inner)
                    left.append(inner)
        return False


def _references(schema: object) -> list[str]:
    if isinstance(schema, Mapping):
        own = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
        return own + [found for value in schema.values() for found in _references(value)]
    if isinstance(schema, list):
        return [found for value in schema for found in _references(value)]
    return []


def _types(schema: Mapping[str, Any]) -> list[str]:
    told = schema.get("type", [])
    return told if isinstance(told, list) else [told]


def _refuse(path: str, what: str, dialect: Dialect) -> NoReturn:
    message = f"{dialect.name} does not guarantee {what} (at {path} of the schema)"
    fail(Code.UNSUPPORTED, message, "leave it out, or ask a model that runs here")
