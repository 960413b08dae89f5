"""Text out of the bytes of a file: UTF-8, or what its byte order mark says. Pure."""

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_USUAL = frozenset("\t\n\r\f\b\x1b")
"""Control characters that texts have: the escapes of coloured logs too."""

_MOST_CONTROLS = 0.01


def text_of(data: bytes) -> str | None:
    """The text; None where it is none in an encoding that can be told."""
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    controls = sum(text.count(chr(code)) for code in range(32) if chr(code) not in _USUAL)
    return None if "\x00" in text or controls > _MOST_CONTROLS * len(text) else text
