"""Tokens to text, piece by piece."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiny_models import BYTES, TOKENIZERS
from workers.engines.transformers.parts.text import Detokenizer, Stops

LOADED = {name: make() for name, make in TOKENIZERS.items()}
OCEAN = "a 🌊 wave, 你好, é"


def decoder(name: str) -> Callable[[Sequence[int]], str]:
    tokenizer = LOADED[name]
    return lambda ids: str(tokenizer.decode(list(ids), skip_special_tokens=True))


def stream(name: str, ids: Sequence[int]) -> list[str]:
    detokenizer = Detokenizer(decoder(name))
    return [*(detokenizer.push(token) for token in ids), detokenizer.end()]


@pytest.mark.parametrize("name", LOADED)
@given(text=st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_streamed_text_is_the_decoded_text(name: str, text: str) -> None:
    ids = LOADED[name].encode(text, add_special_tokens=False).ids
    assert "".join(stream(name, ids)) == decoder(name)(ids)


@pytest.mark.parametrize("name", LOADED)
@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_streamed_random_tokens_are_the_decoded_tokens(name: str, data: st.DataObject) -> None:
    tokenizer = LOADED[name]
    size = tokenizer.get_vocab_size()
    # Runs of byte tokens that are no text have a test of their own.
    usable = [index for index in range(size) if tokenizer.id_to_token(index) not in BYTES]
    ids = data.draw(st.lists(st.sampled_from(usable), max_size=120))
    assert "".join(stream(name, ids)) == decoder(name)(ids)


@pytest.mark.parametrize("name", ["byte_level", "sentencepiece"])
def test_no_piece_holds_half_a_character(name: str) -> None:
    ids = LOADED[name].encode(OCEAN, add_special_tokens=False).ids
    pieces = stream(name, ids)
    assert "".join(pieces) == OCEAN
    assert not any("\ufffd" in piece for piece in pieces)


def test_a_character_cut_off_by_the_end_is_shown_as_such() -> None:
    ids = LOADED["byte_level"].encode("wave 🌊", add_special_tokens=False).ids
    text = "".join(stream("byte_level", ids[:-1]))
    assert text.startswith("wave ")
    assert text.endswith("\ufffd")


def test_what_is_out_stays_when_byte_tokens_turn_out_to_be_no_text() -> None:
    tokenizer = LOADED["sentencepiece"]
    euro_and_junk = [tokenizer.get_vocab()[token] for token in ("<0xE2>", "<0x82>", "<0xAC>", "<0xFF>")]
    ids = [*euro_and_junk, *tokenizer.encode("sea", add_special_tokens=False).ids]
    assert "".join(stream("sentencepiece", ids)).replace(" ", "") == "€\ufffdsea"


def test_a_long_answer_is_decoded_in_small_windows() -> None:
    longest = 0

    def decode(ids: Sequence[int]) -> str:
        nonlocal longest
        longest = max(longest, len(ids))
        return decoder("byte_level")(ids)

    detokenizer = Detokenizer(decode)
    for token in LOADED["byte_level"].encode("The sea is deep. " * 100, add_special_tokens=False).ids:
        detokenizer.push(token)
    assert longest < 100


def cut(strings: list[str], pieces: list[str]) -> tuple[str, bool]:
    stops = Stops(strings)
    text = "".join(stops.push(piece) for piece in pieces)
    return text + ("" if stops.found else stops.end()), bool(stops.found)


def test_a_stop_string_across_pieces_is_found() -> None:
    assert cut(["STOP"], ["go on S", "T", "OP now"]) == ("go on ", True)


def test_the_first_of_several_stop_strings_wins() -> None:
    assert cut(["later", "now"], ["not now, later"]) == ("not ", True)


def test_what_only_began_like_a_stop_string_comes_out() -> None:
    assert cut(["STOP"], ["S", "TO", "RE", " ST"]) == ("STORE ST", False)


def test_without_stop_strings_nothing_is_held_back() -> None:
    assert Stops([]).push("text") == "text"


@given(text=st.text("abc", max_size=30), stop=st.text("abc", min_size=1, max_size=4), data=st.data())
def test_cutting_does_not_depend_on_the_pieces(text: str, stop: str, data: st.DataObject) -> None:
    pieces, rest = [], text
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        pieces.append(rest[:size])
        rest = rest[size:]
    assert cut([stop], pieces)[0] == text.partition(stop)[0]
