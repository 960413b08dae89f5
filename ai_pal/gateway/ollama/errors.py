"""Errors as Ollama's clients read them. Pure."""

from typing import Any

import msgspec

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.gateway.wire.statuses import sentence
from ai_pal.protocol.needs import WHAT
from ai_pal.protocol.options import Ability

_LACKS: dict[Ability, str] = {
    "chat": "chat",
    "complete": "generate",
    "infill": "insert",
    "tools": "tools",
    "thinking": "thinking",
}
"""Ollama's words for what a model cannot, by which clients know that they may ask without."""


def error_body(error: AiPalError) -> dict[str, Any]:
    """Ollama's envelope of errors, with the place of what is wrong."""
    said, param = said_of(error.failure), error.param if isinstance(error, BodyError) else None
    return {"error": f"{param}: {said}" if param and not said.startswith(param) else said}


def said_of(failure: Failure) -> str:
    """What is told of it."""
    if failure.code == Code.UNSUPPORTED:
        for ability, theirs in _LACKS.items():
            model, cannot, rest = failure.message.partition(f" cannot {WHAT[ability]}")
            if cannot and not rest:
                words = f'"{model}" does not support {theirs}'
                return sentence(msgspec.structs.replace(failure, message=words))
    return sentence(failure)
