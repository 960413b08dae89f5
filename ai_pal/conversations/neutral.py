"""Make text from models, logs and other processes harmless to whoever looks at it, on a terminal above all.

Every character is replaced on its own, so no sequence is missed because it was split over two
pieces, and nothing is dropped without a trace.
"""

_PICTURES = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}
_C1 = dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
_BIDI = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD)
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)

_LINE = _PICTURES | _C1 | _BIDI | _SURROGATES
_TEXT = {code: shown for code, shown in _LINE.items() if code not in (0x09, 0x0A)}


def neutral(text: str) -> str:
    """`text` with control characters shown as pictures (ESC as U+241B), C1 controls and
    bidirectional overrides as U+FFFD. Line feeds and tabs stay."""
    return text.translate(_TEXT)


def neutral_line(text: str) -> str:
    """Like `neutral`, for what has to stay on one line: line feeds and tabs are shown too."""
    return text.translate(_LINE)
