"""Plain Python functions as tools: described by signature and docstring, called with checked arguments."""

import inspect
import re
from collections.abc import Callable
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from ai_pal.client.timed_schema import json_schema
from ai_pal.protocol.content import Image, Text
from ai_pal.protocol.options import Tool

_SECTION = re.compile(
    r"(args|arguments|parameters|returns?|raises|yields?|examples?|notes?)\s*:\s*", re.IGNORECASE
)
_ARGUMENT = re.compile(r"^\s*\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(\S.*)$")
_FIELD = re.compile(r"^\s*:(\w+)\s*([^:]*):\s*(.*)$")


class Function:
    """A function, as a tool. Raises `TypeError` where it cannot be described."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.name: str = getattr(function, "__name__", "")
        if not self.name or self.name == "<lambda>":
            raise TypeError(f"{function!r} has no name that a model could call it by")
        self._function = function
        self.is_async = inspect.iscoroutinefunction(function)
        told, about = _documented(inspect.getdoc(function) or "")
        self._parameters = _parameters(function)
        self._arguments = msgspec.defstruct(
            self.name,
            [_field(one, about) for one in self._parameters],
            kw_only=True,
            forbid_unknown_fields=True,
        )
        self.tool = Tool(self.name, told, _schema(self._arguments, self.name))

    def bound(self, arguments: str) -> Callable[[], Any]:
        """The call with these arguments, ready to be made. Raises `ValueError`: they are not as they should
        be."""
        try:
            given = msgspec.json.decode(arguments.strip() or "{}", type=self._arguments)
        except RecursionError:
            raise ValueError("they are nested too deep to be read") from None
        positional, keywords = [], {}
        for one in self._parameters:
            value = getattr(given, one.name)
            if value is msgspec.UNSET:
                continue
            if one.kind is inspect.Parameter.POSITIONAL_ONLY:
                positional.append(value)
            else:
                keywords[one.name] = value
        return lambda: self._function(*positional, **keywords)


def content_of(value: Any) -> str | list[Text | Image]:
    """What a function has returned, as the model gets it: texts and pictures as they are, all else as
    JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, Text | Image):
        return [value]
    if isinstance(value, list) and value and all(isinstance(one, Text | Image) for one in value):
        return value
    if hasattr(value, "model_dump_json"):
        return str(value.model_dump_json())
    return msgspec.json.encode(value, enc_hook=str).decode()


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters, with their annotations resolved."""
    try:
        hints = get_type_hints(inspect.unwrap(getattr(function, "__func__", function)), include_extras=True)
    except (NameError, TypeError) as error:
        hints = _reason(function, error)
    found = []
    for one in inspect.signature(function).parameters.values():
        if one.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            _reason(function, f"{one} takes anything")
        found.append(one.replace(annotation=hints.get(one.name, Any)))
    return found


def _field(one: inspect.Parameter, about: dict[str, str]) -> Any:
    """A parameter as the field of a struct; without a value the function's own default holds."""
    kind, words = one.annotation, about.get(one.name, "")
    if get_origin(kind) is Annotated:
        kind, *more = get_args(kind)
        words = next((one for one in more if isinstance(one, str)), words)
        for meta in more:
            if isinstance(meta, msgspec.Meta):
                kind = Annotated[kind, meta]
    if words:
        kind = Annotated[kind, msgspec.Meta(description=words)]
    if one.default is inspect.Parameter.empty:
        return (one.name, kind)
    return (one.name, kind | msgspec.UnsetType if kind is not Any else Any, msgspec.UNSET)


def _schema(kind: type, name: str) -> dict[str, Any]:
    """The JSON Schema of the arguments, an object's."""
    try:
        schema = json_schema(kind)
    except TypeError as error:
        raise TypeError(f"{name} cannot be described to a model: {error}") from None
    return inlined(schema)


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema whose root is no reference: some want an object there."""
    reference = schema.get("$ref", "")
    definitions = dict(schema.get("$defs", {}))
    root = definitions.get(reference.removeprefix("#/$defs/"))
    if root is None:
        return schema
    text = msgspec.json.encode({key: value for key, value in schema.items() if key != "$ref"}).decode()
    if f'"{reference}"' not in text:  # it does not hold itself
        del definitions[reference.removeprefix("#/$defs/")]
    return {**root, **({"$defs": definitions} if definitions else {})}


def _documented(text: str) -> tuple[str, dict[str, str]]:
    """What a docstring says of the function, and of each argument (Google's style, or `:param name:`)."""
    told: list[str] = []
    about: dict[str, str] = {}
    section = latest = ""
    for line in text.splitlines():
        if (found := _SECTION.fullmatch(line.strip())) and not line.startswith(" "):
            section, latest = found[1].lower(), ""
        elif field := _FIELD.match(line):
            section, latest = "field", ""
            if field[1] in ("param", "parameter", "arg", "argument") and field[2].split():
                latest = field[2].split()[-1]
                about[latest] = field[3]
        elif not section:
            told.append(line)
        elif section.startswith(("arg", "param")) and (found := _ARGUMENT.match(line)):
            latest = found[1]
            about[latest] = found[2]
        elif latest and line.strip():
            about[latest] += f" {line.strip()}"
    return "\n".join(told).strip(), {name: words.strip() for name, words in about.items()}


def _reason(function: Callable[..., Any], why: object) -> Any:
    raise TypeError(f"{getattr(function, '__name__', function)} cannot be described to a model: {why}")
