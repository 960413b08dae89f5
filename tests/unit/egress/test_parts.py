"""Parts of an answer, numbered."""

from ai_pal.egress.parts import Parts, Piece
from ai_pal.egress.providers.answers.pieces import CallPiece, Content, Thought


def pieces(*said: Content) -> list[Piece]:
    parts = Parts(lambda: "made")
    return [*(piece for one in said for piece in parts.add(one)), *parts.close()]


def test_parts_are_numbered_as_they_begin() -> None:
    assert pieces(Thought("hm"), "a", "b", CallPiece(0, "1", "f", "{"), CallPiece(0, "", "", "}"), "c") == [
        Piece("reasoning", 0, "hm"),
        Piece("text", 1, "a"),
        Piece("text", 1, "b"),
        Piece("tool_call", 2, "", "1", "f"),
        Piece("tool_call", 2, "{"),
        Piece("tool_call", 2, "}"),
        Piece("text", 3, "c"),
    ]


def test_a_signature_ends_a_thought() -> None:
    assert pieces(Thought("a"), Thought("", "s1"), Thought("b"), Thought("", "s2"), Thought("", "s3")) == [
        Piece("reasoning", 0, "a"),
        Piece("reasoning", 0, "", signature="s1"),
        Piece("reasoning", 1, "b"),
        Piece("reasoning", 1, "", signature="s2"),
        Piece("reasoning", 2, "", signature="s3"),
    ]


def test_halves_of_a_character_find_each_other_within_their_part() -> None:
    first, second = "\U0001f600".encode("utf-16-be", "surrogatepass")[:2], "\ude00"
    half = first.decode("utf-16-be", "surrogatepass")
    told = pieces(half, CallPiece(0, "1", "f", half), CallPiece(0, "", "", second))
    assert told[-1] == Piece("tool_call", 1, "\U0001f600")
    assert pieces("a" + half, second)[-1] == Piece("text", 0, "\U0001f600")


def test_what_is_empty_is_no_piece() -> None:
    assert pieces("", Thought()) == []
