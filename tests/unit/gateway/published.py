"""Fields of requests as the SDKs publish them, each with bodies that have it and one that does not."""

import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, Required, Union, get_args, get_origin

import pydantic
from typing_extensions import get_type_hints, is_typeddict

Body = dict[str, Any]
Put = Callable[[Any], Body]
"""Makes a body of a value of this field."""

_LISTS = (list, Iterable, Sequence)
_DEEP = 6


class Field(NamedTuple):
    """One field of a door, or one type of what may stand there: bodies that differ in it alone, and the same
    without it; None where it has to be there."""

    path: str
    bodies: list[Body]
    without: Body | None


class Published:
    """Walks a type of an SDK. `known` are values that are right for a field of this name, or at this path
    (or, with a point before it, at the end of a path), where the type alone does not say it; fields called as
    `always` says are part of whatever has them. `made` tells what becomes of a body, None where it is
    refused."""

    def __init__(
        self, known: Mapping[str, Sequence[Any]], always: Collection[str], made: Callable[[Body], str | None]
    ) -> None:
        self._known, self._always, self._made = known, always, made

    def fields(self, kind: Any, base: Body) -> Iterator[Field]:
        """Of a body of this type; `base` is a right one that has what others depend on."""
        yield from self._walk(kind, "", base, lambda body: body, _DEEP)

    def _walk(self, kind: Any, path: str, base: Body, put: Put, deep: int) -> Iterator[Field]:
        for name, inner, required in members(kind):
            where = f"{path}.{name}" if path else name
            if path and (name == "type" or (required and _only(inner))):
                continue  # what tells this type from others
            with_it = partial(_with, put, base, name)
            without = put({other: value for other, value in base.items() if other != name})
            known = self._right(where, name)
            below = [] if known else list(_inner(inner))
            plain = list(known) if known else [one for one in self._of(inner) if not _holds(one)]
            if below:
                plain = [one for one in plain if not _is_map(one)]
            if plain:
                yield Field(where, [with_it(one) for one in plain], None if required else without)
            for tag, struct, wrap in below if deep else ():
                minimal = self._minimal(struct, where + tag)
                body = with_it(wrap(minimal))
                made = self._made(body)
                if made is None or (tag.endswith(")") and made == self._made(without)):
                    yield Field(where + tag, [body], without)
                else:
                    into = partial(_through, with_it, wrap)
                    yield from self._walk(struct, where + tag, minimal, into, deep - 1)

    def _of(self, kind: Any) -> Iterator[Any]:
        kind = _bare(kind)
        origin, arguments = get_origin(kind), get_args(kind)
        if origin in (Union, types.UnionType):
            for one in arguments:
                yield from self._of(one)
        elif origin is Literal:
            yield from arguments
        elif _is_struct(kind):
            yield _HELD
        elif origin in _LISTS or getattr(origin, "__name__", "") == "SequenceNotStr":
            yield from (_HELD if _holds(value) else [value] for value in self._of(arguments[0]))
        elif origin in (dict, Mapping):
            yield from ({"a": value} for value in self._of(arguments[1]))
        else:
            yield from _PLAIN.get(kind, ("x", "y"))

    def _minimal(self, kind: Any, path: str) -> Body:
        return {
            name: self._least(name, inner, f"{path}.{name}")
            for name, inner, required in members(kind)
            if required or name in self._always
        }

    def _right(self, path: str, name: str) -> Sequence[Any]:
        """Values that are right at this path; none where the type says it."""
        ends = (values for end, values in self._known.items() if end.startswith(".") and path.endswith(end))
        return self._known.get(path) or next(ends, ()) or self._known.get(name, ())

    def _least(self, name: str, kind: Any, path: str) -> Any:
        known = self._right(path, name)
        plain = list(known) if known else [one for one in self._of(kind) if not _holds(one)]
        if plain:
            return plain[0]
        tag, struct, wrap = next(iter(_inner(kind)))
        return wrap(self._minimal(struct, path + tag))


_HELD = object()
"""In the place of a value that has fields of its own."""

_PLAIN: dict[Any, tuple[Any, ...]] = {bool: (True, False), int: (1, 2), float: (0.5, 0.25), type(None): ()}


def _holds(value: Any) -> bool:
    return value is _HELD or (isinstance(value, list) and any(map(_holds, value)))


def _is_map(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_is_map, value)))


def _with(put: Put, base: Body, name: str, value: Any) -> Body:
    return put({**base, name: value})


def _through(put: Put, wrap: Callable[[Any], Any], value: Any) -> Body:
    return put(wrap(value))


def members(kind: Any) -> list[tuple[str, Any, bool]]:
    """The fields of a typed dict or of a model: name as it is sent, type, whether it has to be there."""
    if is_typeddict(kind):
        hints = get_type_hints(kind, include_extras=True)
        return [
            (name, hint, name in kind.__required_keys__ or _has(hint, Required))
            for name, hint in hints.items()
        ]
    return [
        (field.alias or name.rstrip("_"), field.annotation, field.is_required())
        for name, field in kind.model_fields.items()
    ]


def _inner(kind: Any, tag: str = "") -> Iterator[tuple[str, Any, Callable[[Any], Any]]]:
    """Types with fields of their own in this one: what tells which, the type, and how a value is wrapped."""
    kind = _bare(kind)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        structs = [one for one in map(_bare, arguments) if _is_struct(one)]
        for one in arguments:
            several = len(structs) > 1 and _bare(one) in structs
            yield from _inner(one, f"({_called(_bare(one))})" if several else "")
    elif origin in _LISTS:
        for tagged, below, wrap in _inner(arguments[0]):
            yield f"[]{tagged}", below, partial(_in_list, wrap)
    elif _is_struct(kind):
        yield tag, kind, _itself


def _in_list(wrap: Callable[[Any], Any], value: Any) -> list[Any]:
    return [wrap(value)]


def _itself(value: Any) -> Any:
    return value


def _called(kind: Any) -> str:
    told = {name: get_args(_bare(hint))[0] for name, hint, _ in members(kind) if _is_literal(hint)}
    return str(told.get("type") or told.get("role") or kind.__name__)


def _bare(kind: Any) -> Any:
    """Without what says how it is written."""
    while get_origin(kind) in (Annotated, Required, NotRequired):
        kind = get_args(kind)[0]
    return kind


def _has(hint: Any, mark: Any) -> bool:
    return get_origin(hint) is mark


def _only(kind: Any) -> bool:
    """Whether it has one value alone."""
    return _is_literal(kind) and len(get_args(_bare(kind))) == 1


def _is_literal(kind: Any) -> bool:
    return get_origin(_bare(kind)) is Literal


def _is_struct(kind: Any) -> bool:
    return is_typeddict(kind) or (isinstance(kind, type) and issubclass(kind, pydantic.BaseModel))
