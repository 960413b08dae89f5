"""Looking into what a server sent without trusting its shape: whatever is not there, or is another thing than
it should be, is None or empty. Works on JSON and on what SDKs make of it."""

from collections.abc import Iterator
from typing import Any

from ai_pal.egress.providers.answers.pieces import CallPiece, Thought

_PLAIN = (str, bytes, int, float, list, tuple, type(None))
_THOUGHTS = ("thinking", "reasoning", "summary")
_HIDDEN = ("data", "signature")
"""What a provider gives in place of a thought that it keeps to itself."""


def part(value: Any, *names: str) -> Any:
    """What lies under these names, one below the other."""
    for name in names:
        if isinstance(value, dict):
            value = value.get(name)
        else:
            value = None if isinstance(value, _PLAIN) else getattr(value, name, None)
    return value


def first(value: Any) -> Any:
    """The first of a list that is anything; what is no list is the first itself."""
    return next((item for item in value if item), None) if isinstance(value, list) else value


def several(value: Any) -> list[Any]:
    """What is anything in a list; what is no list is one by itself."""
    return [item for item in value if item] if isinstance(value, list) else [value] if value else []


def calls_in(value: Any) -> list[Any]:
    """What says anything of a call of a tool: another thing in its place is none."""
    told = ("id", "function", "name", "arguments")
    return [one for one in several(value) if any(part(one, name) is not None for name in told)]


def call(value: Any, place: int | None = None) -> CallPiece:
    """A piece of a call of a tool, as most servers write it: under `function`, or as it is."""
    function = part(value, "function") or value
    index = part(value, "index") if place is None else place
    if not isinstance(index, int) or isinstance(index, bool):
        index = part(function, "index")
    return CallPiece(
        index if isinstance(index, int) and not isinstance(index, bool) else None,
        name(part(value, "id")),
        name(part(function, "name")),
        _arguments(part(function, "arguments")),
    )


def _arguments(value: Any) -> Any:
    """A text, or an object."""
    return value if isinstance(value, str | dict) else None


def text(value: Any) -> str:
    """A text, or nothing."""
    return value if isinstance(value, str) else ""


def name(value: Any) -> str:
    """A text that can be sent as UTF-8, or nothing: JSON can hold halves of characters."""
    return text(value).encode("utf-8", "replace").decode()


def pieces(content: Any) -> Iterator[str | Thought]:
    """What is thought and said in a content: a text, one typed part, or a list of them."""
    if isinstance(content, list):
        for item in content:
            yield from pieces(item)
        return
    if not content:
        return
    for name in _THOUGHTS:
        yield from thoughts(part(content, name))
    if any(text(part(content, name)) for name in _HIDDEN):
        yield Thought()
    inner = part(content, "text")
    said = text(content) or _whole(inner)
    if said and text(part(content, "type")).startswith(_THOUGHTS):
        yield Thought(said)
    elif said:
        yield said


def _whole(inner: Any) -> str:
    """The text in a typed part: as it is, in an object, or in pieces."""
    if isinstance(inner, list):
        return "".join(map(_whole, inner))
    return text(inner) or text(part(inner, "value")) or text(part(inner, "text"))


def thoughts(value: Any) -> Iterator[Thought]:
    """What is thought, where it is known to be a thought."""
    for piece in pieces(value):
        yield Thought(piece) if isinstance(piece, str) else piece
