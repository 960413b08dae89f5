"""Which part of an answer grows in a stream, and what ends where."""

from ai_pal.gateway.answering.open_parts import OpenParts
from ai_pal.protocol.client import Delta
from ai_pal.protocol.content import PartKind


def piece(kind: PartKind, index: int, call: str = "") -> Delta:
    return Delta(1, 0, 1, "x", kind, index, call)


def numbers(parts: OpenParts, delta: Delta) -> tuple[int, int | None]:
    """The part of a piece, and the one that ended for it."""
    if (found := parts.of(delta)) is not None:
        return found.number, None
    begun, ended = parts.begin(delta)
    return begun.number, None if ended is None else ended.number


def test_each_part_ends_where_another_begins() -> None:
    parts = OpenParts()
    assert numbers(parts, piece("reasoning", 0)) == (0, None)
    assert numbers(parts, piece("reasoning", 0)) == (0, None)
    assert numbers(parts, piece("text", 1)) == (1, 0)
    assert numbers(parts, piece("tool_call", 2, "a")) == (2, 1)
    assert numbers(parts, piece("tool_call", 2)) == (2, None)
    ended = parts.end()
    assert ended is not None
    assert ended.number == 2
    assert parts.end() is None


def test_another_call_in_the_place_of_one_ends_what_is_open() -> None:
    parts = OpenParts()
    assert numbers(parts, piece("tool_call", 0, "a")) == (0, None)
    assert numbers(parts, piece("tool_call", 0, "b")) == (1, 0)
