"""Probabilities of tokens as OpenAI's protocol tells them, and Ollama with it. Pure."""

import math
from typing import Any

from ai_pal.egress.providers.answers.loose import part, several, text
from ai_pal.protocol.content import Alternative, TokenLogprob

LEAST = -9999.0
"""Told for what cannot be; it stands for minus infinity where JSON has none."""


def tokens_of(content: Any) -> list[TokenLogprob]:
    """The tokens of a list; what has no probability is none."""
    found = []
    for entry in several(content):
        logprob = _logprob(part(entry, "logprob"))
        if logprob is not None:
            top = [_alternative(other) for other in several(part(entry, "top_logprobs"))]
            kept = [other for other in top if other is not None]
            found.append(TokenLogprob(_bytes(entry), logprob, _id(entry), kept))
    return found


def _alternative(entry: Any) -> Alternative | None:
    logprob = _logprob(part(entry, "logprob"))
    return None if logprob is None else Alternative(_bytes(entry), logprob, _id(entry))


def _logprob(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or math.isnan(value):
        return None
    return max(LEAST, min(0.0, float(value)))


def _bytes(entry: Any) -> bytes:
    told = part(entry, "bytes")
    if isinstance(told, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in told):
        return bytes(told)
    return text(part(entry, "token")).encode("utf-8", "replace")


def _id(entry: Any) -> int:
    told = part(entry, "id")
    return told if isinstance(told, int) and not isinstance(told, bool) and 0 <= told < 2**31 else -1
