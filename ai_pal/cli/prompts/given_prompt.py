"""The prompt of a one-shot: the argument, stdin, or both."""

import sys
from collections.abc import Sequence

from ai_pal.errors import Code, fail

_HOW = 'for example: ai-pal chat "What is the capital of France?"'

STDIN = "-"
"""As the last word: what is asked comes from standard input, a terminal too."""


def prompt_of(words: Sequence[str]) -> str:
    """The prompt that these words of the command line and standard input make. Raises like `combined`."""
    asked_for = bool(words) and words[-1] == STDIN
    return combined(words[:-1] if asked_for else words, read_stdin(terminal=asked_for))


def combined(words: Sequence[str], piped: bytes | None) -> str:
    """The words first, an empty line, then what was piped in.

    Raises `AiPalError` (`empty_prompt`, `input_not_utf8` with the offset of the byte).
    """
    parts = [checked_argument(" ".join(words)), decoded(piped or b"")]
    parts = [part.strip("\n") for part in parts if part.strip()]
    if not parts:
        fail(Code.EMPTY_PROMPT, "the prompt is empty", _HOW)
    return "\n\n".join(parts)


def decoded(piped: bytes) -> str:
    """Standard input as text."""
    try:
        return piped.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The codec counts from behind a byte order mark, the user does not.
        start = error.start + (len(piped) - len(error.object))
        fail(
            Code.INPUT_NOT_UTF8,
            f"standard input is not UTF-8: byte 0x{piped[start]:02x} at offset {start}",
            "convert it first, for example: iconv -f latin1 -t utf-8",
        )


def checked_argument(text: str) -> str:
    """A command-line argument, which Python passes on even when it is no text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raw = text.encode(errors="surrogateescape")
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            fail(
                Code.INPUT_NOT_UTF8,
                f"the prompt is not UTF-8: byte 0x{raw[error.start]:02x} at offset {error.start}",
                "check the encoding of your terminal or script",
            )
    return text


def read_stdin(*, terminal: bool = False) -> bytes | None:
    """All of standard input; None when it is closed, or a terminal unless that is to be read as well."""
    if sys.stdin is None or (sys.stdin.isatty() and not terminal):
        return None
    return sys.stdin.buffer.read()
