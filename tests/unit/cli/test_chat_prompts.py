"""The prompt of a one-shot from argument and stdin."""

import pytest

from ai_pal.cli.chatting.prompts import combined
from ai_pal.errors import AiPalError, Code


@pytest.mark.parametrize(
    ("argument", "piped", "prompt"),
    [
        ("ask", None, "ask"),
        (None, b"piped\n", "piped"),
        ("ask", b"", "ask"),
        ("ask", b"a\nb\n", "ask\n\na\nb"),
        (None, b"\xef\xbb\xbfafter a byte order mark", "after a byte order mark"),
        (None, b"  indented\n", "  indented"),
    ],
)
def test_argument_first_then_a_blank_line_then_stdin(
    argument: str | None, piped: bytes | None, prompt: str
) -> None:
    assert combined(argument, piped) == prompt


@pytest.mark.parametrize(("argument", "piped"), [(None, None), ("", None), ("  ", b" \n"), (None, b"")])
def test_an_empty_prompt_is_refused(argument: str | None, piped: bytes | None) -> None:
    with pytest.raises(AiPalError) as caught:
        combined(argument, piped)
    assert caught.value.code == Code.EMPTY_PROMPT


@pytest.mark.parametrize(("piped", "offset"), [(b"ab\xff", 2), (b"\xef\xbb\xbfab\xff", 5), (b"caf\xe9", 3)])
def test_invalid_utf8_on_stdin_names_the_byte(piped: bytes, offset: int) -> None:
    with pytest.raises(AiPalError) as caught:
        combined("ask", piped)
    assert caught.value.code == Code.INPUT_NOT_UTF8
    assert f"0x{piped[offset]:02x} at offset {offset}" in caught.value.failure.message


def test_invalid_utf8_in_the_argument_names_the_byte() -> None:
    with pytest.raises(AiPalError, match="0xff at offset 3"):
        combined("é" + b"b\xff".decode(errors="surrogateescape"), None)
