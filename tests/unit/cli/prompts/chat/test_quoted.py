"""Texts in quotes behind the `/commands`."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.cli.prompts.chat.quoted import unquoted
from ai_pal.errors import AiPalError


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("plain words", "plain words"),
        ('"Yes, "', "Yes, "),
        ("'a \\n b'", "a \\n b"),
        (r'"\n\n"', "\n\n"),
        ('"say \\"hi\\""', 'say "hi"'),
        ('"""two\nlines"""', "two\nlines"),
        ('""', ""),
        ('he said "x"', 'he said "x"'),
        ('{"type": "array"}', '{"type": "array"}'),
    ],
)
def test_quotes_go_and_escapes_are_those_of_toml(typed: str, text: str) -> None:
    assert unquoted(typed) == text


@pytest.mark.parametrize("typed", ['"', "'tis so", '"a" b', '"a" # "', '"a"\nb = "c"', '"no \\q escape"'])
def test_what_is_not_in_quotes_as_a_whole_is_refused(typed: str) -> None:
    with pytest.raises(AiPalError) as caught:
        unquoted(typed)
    assert caught.value.failure.hint


@given(st.text("ab \"'\\\n#=", max_size=12))
def test_nothing_but_a_text_of_toml_is_read(typed: str) -> None:
    try:
        text = unquoted(typed)
    except AiPalError:
        assert typed.startswith(('"', "'"))
        return
    assert text == (tomllib.loads(f"t = {typed}")["t"] if typed.startswith(('"', "'")) else typed)
