"""The prompt of a one-shot from argument and stdin."""

import pytest

from ai_pal.cli.prompts.given_prompt import combined
from ai_pal.errors import AiPalError, Code


@pytest.mark.parametrize(
    ("words", "piped", "prompt"),
    [
        (["ask"], None, "ask"),
        (["why", "is", "the sky", "blue"], None, "why is the sky blue"),
        ([], b"piped\n", "piped"),
        (["ask"], b"", "ask"),
        (["ask"], b"a\nb\n", "ask\n\na\nb"),
        ([], b"\xef\xbb\xbfafter a byte order mark", "after a byte order mark"),
        ([], b"  indented\n", "  indented"),
    ],
)
def test_words_first_then_a_blank_line_then_stdin(words: list[str], piped: bytes | None, prompt: str) -> None:
    assert combined(words, piped) == prompt


@pytest.mark.parametrize(("words", "piped"), [([], None), ([""], None), (["  "], b" \n"), ([], b"")])
def test_an_empty_prompt_is_refused(words: list[str], piped: bytes | None) -> None:
    with pytest.raises(AiPalError) as caught:
        combined(words, piped)
    assert caught.value.code == Code.EMPTY_PROMPT


@pytest.mark.parametrize(("piped", "offset"), [(b"ab\xff", 2), (b"\xef\xbb\xbfab\xff", 5), (b"caf\xe9", 3)])
def test_invalid_utf8_on_stdin_names_the_byte(piped: bytes, offset: int) -> None:
    with pytest.raises(AiPalError) as caught:
        combined(["ask"], piped)
    assert caught.value.code == Code.INPUT_NOT_UTF8
    assert f"0x{piped[offset]:02x} at offset {offset}" in caught.value.failure.message


def test_invalid_utf8_in_the_argument_names_the_byte() -> None:
    with pytest.raises(AiPalError, match="0xff at offset 3"):
        combined(["é" + b"b\xff".decode(errors="surrogateescape")], None)
