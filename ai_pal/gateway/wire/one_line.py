"""JSON that is one line for whoever reads lines. Pure."""

from typing import Any

import msgspec

_json = msgspec.json.encode

_ENDS = {character: f"\\u{ord(character):04x}".encode() for character in "\x85\u2028\u2029"}
"""Ends of lines to Python's `splitlines`, by which Ollama's client and LiteLLM find events; JSON writes all
others as escapes."""


def one_line(value: Any) -> bytes:
    """This as JSON."""
    data: bytes = _json(value)
    if not data.isascii():
        for end, escape in _ENDS.items():
            data = data.replace(end.encode(), escape)
    return data
