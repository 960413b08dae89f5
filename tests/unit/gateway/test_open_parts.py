"""Which parts of an answer are written side by side, and what ends where."""

from ai_pal.gateway.open_parts import OpenParts
from ai_pal.protocol.client import Delta
from ai_pal.protocol.content import PartKind


def piece(kind: PartKind, index: int, call: str = "") -> Delta:
    return Delta(1, 0, 1, "x", kind, index, call)


def numbers(parts: OpenParts, delta: Delta) -> tuple[int, list[int]]:
    """The part of a piece, and those that ended for it."""
    if (found := parts.of(delta)) is not None:
        return found.number, []
    begun, ended = parts.begin(delta)
    return begun.number, [one.number for one in ended]


def test_text_and_thoughts_end_where_another_part_begins() -> None:
    parts = OpenParts()
    assert numbers(parts, piece("reasoning", 0)) == (0, [])
    assert numbers(parts, piece("reasoning", 0)) == (0, [])
    assert numbers(parts, piece("text", 1)) == (1, [0])
    assert [one.number for one in parts.end()] == [1]
    assert parts.end() == []


def test_calls_grow_side_by_side() -> None:
    parts = OpenParts()
    assert numbers(parts, piece("text", 0)) == (0, [])
    assert numbers(parts, piece("tool_call", 1, "a")) == (1, [0])
    assert numbers(parts, piece("tool_call", 2, "b")) == (2, [])
    assert numbers(parts, piece("tool_call", 1)) == (1, [])
    assert numbers(parts, piece("text", 3)) == (3, [])
    assert [one.number for one in parts.end(calls=False)] == [3]
    assert [one.number for one in parts.end()] == [1, 2]


def test_another_call_in_the_place_of_one_ends_what_is_open() -> None:
    parts = OpenParts()
    assert numbers(parts, piece("tool_call", 0, "a")) == (0, [])
    assert numbers(parts, piece("tool_call", 0, "b")) == (1, [0])
