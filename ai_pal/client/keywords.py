"""Keywords of the Python faces: one that nobody takes is a `TypeError` with the nearest name, and one with a
value that it cannot have an `AiPalError`, at the call.

The names and types of `**how: Unpack[...]` are known to type checkers only: a misspelt `local_only` would
pass and the prompt leave, and `local_only="false"` would mean that it may not.
"""

import functools
from collections.abc import Callable, Collection
from types import FunctionType
from typing import Any, TypeVar, cast, get_args

from ai_pal.client.keyword_rules import objection_to_keyword
from ai_pal.errors import Code, fail

F = TypeVar("F", bound=Callable[..., Any])

VAR_POSITIONAL, VAR_KEYWORD = 0x04, 0x08  # of `co_flags`; `inspect` takes too long to import for this


def strict(face: F) -> F:
    """A function that takes only the keywords it names, with values that they can have, or a class whose
    public methods and constructor do. Coroutines and generators refuse at the call, before anything is
    awaited."""
    if not isinstance(face, type):
        return _checked(face)
    for name, member in list(vars(face).items()):
        if isinstance(member, FunctionType) and (name == "__init__" or not name.startswith("_")):
            setattr(face, name, _checked(member))
    return face


def refuse_unknown(name: str, given: Collection[str], known: Collection[str]) -> None:
    """Raises `TypeError` where not all that is given is known."""
    for keyword in given:
        if keyword not in known:
            import difflib

            near = difflib.get_close_matches(keyword, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; it takes: {', '.join(sorted(known))}"
            raise TypeError(f"{name}() got an unexpected keyword argument {keyword!r}{hint}")


def require(name: str, value: object) -> None:
    """Raises `AiPalError` (`bad_request`) where this keyword cannot have this value."""
    if why := objection_to_keyword(name, value):
        fail(Code.BAD_REQUEST, why, "correct it, or leave it out")


def _checked(function: F) -> F:
    known, places = _keywords(function)

    @functools.wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        if not known.issuperset(keywords):
            refuse_unknown(function.__qualname__, keywords, known)
        for name, value in (*zip(places, args, strict=False), *keywords.items()):
            require(name, value)
        return function(*args, **keywords)

    return cast("F", call)


def _keywords(function: Callable[..., Any]) -> tuple[frozenset[str], tuple[str, ...]]:
    """All that may be given by name, and the names of what may be given by its place."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = function.__code__
    count = code.co_argcount + code.co_kwonlyargcount
    named = set(code.co_varnames[code.co_posonlyargcount : count]) - {"self"}
    if code.co_flags & VAR_KEYWORD:
        rest = code.co_varnames[count + bool(code.co_flags & VAR_POSITIONAL)]
        (typed,) = get_args(function.__annotations__[rest])  # Unpack[SomeTypedDict]
        named |= set(typed.__annotations__)
    return frozenset(named), code.co_varnames[: code.co_argcount]
