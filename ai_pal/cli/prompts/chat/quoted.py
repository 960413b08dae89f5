"""Texts behind the `/commands`: one in quotes is what TOML reads there, any other is as it stands. No I/O."""

import re

from ai_pal.errors import Code, fail

_WHOLE = re.compile(r'''"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|'[^'\n]*\'''', re.DOTALL)


def unquoted(text: str) -> str:
    """`"Yes, "` without its quotes, with `\\n` and the other escapes of TOML; none in single quotes.

    Raises `AiPalError` (`bad_request`) for a quote that is not the end of what it began."""
    if not text.startswith(('"', "'")):
        return text
    if not _WHOLE.fullmatch(text):
        other = "'" if text[0] == '"' else '"'
        fail(Code.BAD_REQUEST, f"{text} is not in quotes as a whole", f"write {other}{text}{other}")
    import tomllib

    try:
        return str(tomllib.loads(f"text = {text}")["text"])
    except tomllib.TOMLDecodeError as error:
        fail(Code.BAD_REQUEST, f"{text} cannot be read: {error}", "'single quotes' take all as it is")
