"""Whatever a model writes, nothing that drives a terminal is left, in whatever pieces it comes."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from ai_pal.cli.terminal.neutral import neutral, neutral_line

HOSTILE = st.sampled_from(
    [
        "\x1b]52;c;aGk=\x07",
        "\x1b[2J",
        "\x9b31m",
        "\x90q\x9c",
        "\u202etxt\u202c",
        "\r",
        "\x00",
        "\x7f",
        "\ud800",
    ]
)
TEXT = st.lists(st.one_of(st.text(), HOSTILE)).map("".join)
BIDI = {*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}


@given(TEXT)
def test_no_control_character_is_left_but_line_feed_and_tab(text: str) -> None:
    assert not [c for c in neutral(text) if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"]


@given(TEXT)
def test_no_bidirectional_override_is_left(text: str) -> None:
    assert not BIDI & set(neutral(text))


@given(TEXT, st.data())
def test_pieces_make_the_same_text_wherever_it_is_split(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    assert neutral(text[:cut]) + neutral(text[cut:]) == neutral(text)


@given(TEXT)
def test_every_character_leaves_a_trace_and_harmless_ones_stay(text: str) -> None:
    shown = neutral(text)
    assert len(shown) == len(text)
    assert all(b in (a, "\ufffd") or a < " " or a == "\x7f" for a, b in zip(text, shown, strict=True))
    assert neutral(shown) == shown


@given(TEXT)
def test_one_line_stays_one_line(text: str) -> None:
    assert not {"\n", "\t", "\r"} & set(neutral_line(text))
