"""Which pieces of an answer wait for the part before them to be whole."""

import time

from ai_pal.gateway.answering.in_turn import PIECES, InTurn, Patience, in_order
from ai_pal.protocol.client import AnyEvent, Delta, Logprobs
from ai_pal.protocol.content import PartKind, TokenLogprob


def call(index: int, text: str, *, begins: bool = False) -> Delta:
    return Delta(1, 0, 1, text, "tool_call", index, f"call_{index}" if begins else "", "f" if begins else "")


def piece(index: int, text: str, kind: PartKind = "text") -> Delta:
    return Delta(1, 0, 1, text, kind, index)


def told(turn: InTurn, *pieces: Delta) -> list[list[tuple[int, str]]]:
    """What may be told after each of them."""
    return [[(one.index, one.text) for one in turn.take(each) if isinstance(one, Delta)] for each in pieces]


def test_what_begins_beside_a_call_waits_until_that_is_whole() -> None:
    turn = InTurn()
    pieces = (call(0, "{", begins=True), call(1, "{}", begins=True), piece(2, "so"), call(0, "}"))
    assert told(turn, *pieces) == [[(0, "{")], [], [], [(0, "}"), (1, "{}"), (2, "so")]]


def test_what_begins_behind_a_whole_call_waits_for_nobody() -> None:
    turn = InTurn()
    pieces = (
        call(0, "{}", begins=True),
        call(1, "{", begins=True),
        call(0, "\n"),
        call(1, "}"),
        piece(2, "so"),
    )
    assert told(turn, *pieces) == [[(0, "{}")], [(1, "{")], [], [(1, "}")], [(2, "so")]]


def test_blanks_before_arguments_are_none() -> None:
    assert told(InTurn(), call(0, "", begins=True), call(0, " \n"), call(0, " { ")) == [
        [(0, "")],
        [(0, "")],
        [(0, "{ ")],
    ]


def test_another_call_in_the_place_of_one_ends_it() -> None:
    turn = InTurn()
    other = Delta(1, 0, 1, "{", "tool_call", 0, "other", "f")
    assert told(turn, call(0, "{", begins=True), piece(1, "so"), other) == [
        [(0, "{")],
        [],
        [(1, "so"), (0, "{")],
    ]


def test_arguments_that_go_too_deep_are_not_whole() -> None:
    assert told(InTurn(), call(0, "[" * 2000, begins=True), piece(1, "so")) == [[(0, "[" * 2000)], []]


def test_all_that_waits_comes_at_the_end() -> None:
    turn = InTurn()
    assert told(turn, call(0, "", begins=True), call(1, "{", begins=True), piece(2, "so"), call(1, "}")) == [
        [(0, "")],
        [],
        [],
        [],
    ]
    assert [one.index for one in turn.rest() if isinstance(one, Delta)] == [1, 1, 2]
    assert turn.rest() == []


def test_probabilities_stand_behind_their_text() -> None:
    def text(seq: int) -> AnyEvent:
        return Delta(1, seq, 1, "x")

    def scores(seq: int) -> AnyEvent:
        return Logprobs(1, seq, [])

    assert in_order([text(0), text(1), scores(0), scores(1)]) == [text(0), scores(0), text(1), scores(1)]
    assert in_order([scores(0), text(1)]) == [scores(0), text(1)]


def test_probabilities_of_several_texts_are_taken_apart() -> None:
    tokens = [TokenLogprob(b"abcd"[at : at + 1], -1.0) for at in range(4)]
    texts: list[AnyEvent] = [Delta(1, 4, 1, "b"), Delta(1, 5, 1, "c")]
    told = in_order([*texts, Logprobs(1, 3, tokens)])
    apart = [Logprobs(1, 3, tokens[:1]), Logprobs(1, 4, tokens[1:2]), Logprobs(1, 5, tokens[2:])]
    assert told == [apart[0], texts[0], apart[1], texts[1], apart[2]]


def test_thousands_of_pieces_find_their_probabilities_in_no_time() -> None:
    """A client that reads slowly has them all at once: meanwhile nothing else goes on."""
    count, token = 20_000, [TokenLogprob(b"x", -1.0)]
    texts: list[AnyEvent] = [Delta(1, seq, 1, "x") for seq in range(count)]
    apart: list[AnyEvent] = [Logprobs(1, seq, token) for seq in range(count)]
    each = [one for pair in zip(texts, apart, strict=True) for one in pair]
    began = time.process_time()
    assert in_order(each) == each
    assert in_order([*texts, Logprobs(1, 0, token * count)]) == each
    assert time.process_time() - began < 2.0


def test_what_has_no_probabilities_with_many_does_not_end_the_wait_for_those_of_text() -> None:
    patience = Patience()
    assert not patience.ends([piece(0, "I think", "reasoning"), call(1, "{")] * PIECES)
    assert not patience.ends([piece(2, "so")] * PIECES)
    assert patience.ends([piece(2, "so")])
