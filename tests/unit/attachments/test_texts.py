"""Text out of bytes, and what is none."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.attachments.texts import text_of

TEXT = "Grüße, 漢字 🙂\n\tEnd"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_text_is_read_in_the_encoding_that_it_tells(encoding: str) -> None:
    assert text_of(TEXT.encode(encoding)) == TEXT


def test_both_orders_of_utf_16_are_read() -> None:
    assert text_of(codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be")) == TEXT
    assert text_of(codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le")) == TEXT


def test_a_coloured_log_is_text() -> None:
    assert text_of(b"\x1b[31mred\x1b[0m\n") is not None


@pytest.mark.parametrize(
    "data",
    [TEXT.encode("utf-16-le"), "Grüße".encode("latin-1"), b"a\x00b", bytes(range(1, 32)) * 9, b"\xff\xfea"],
)
def test_junk_is_no_text(data: bytes) -> None:
    assert text_of(data) is None


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"])))
def test_every_text_comes_back(text: str) -> None:
    assert text_of(text.encode()) == text.removeprefix("\ufeff")


@given(st.binary())
def test_no_bytes_break_it(data: bytes) -> None:
    text_of(data)
