"""Halves of characters, joined or replaced."""

from hypothesis import given
from hypothesis import strategies as st

from ai_pal.egress.whole_text import WholeText


def test_two_halves_in_two_pieces_are_one_character() -> None:
    text = WholeText()
    assert text.add("a\ud83d") == "a"
    assert text.add("\ude00b") == "\U0001f600b"


def test_a_half_that_stays_alone_is_replaced() -> None:
    text = WholeText()
    assert text.add("\ud83d") == ""
    assert text.add("x") == "\ufffdx"
    assert text.add("\ude00") == "\ufffd"


@given(st.text(), st.data())
def test_text_cut_anywhere_stays_the_same(whole: str, data: st.DataObject) -> None:
    halves = whole.encode("utf-16-le", "surrogatepass")
    units = [halves[i : i + 2].decode("utf-16-le", "surrogatepass") for i in range(0, len(halves), 2)]
    at = data.draw(st.integers(0, len(units)))
    text = WholeText()
    assert text.add("".join(units[:at])) + text.add("".join(units[at:])) == whole


@given(st.lists(st.text(st.characters(categories=["Cs", "L"]))))
def test_whatever_comes_can_be_sent(pieces: list[str]) -> None:
    text = WholeText()
    for piece in pieces:
        text.add(piece).encode()
