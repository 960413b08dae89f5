"""What is asked from Python, on every face: a text, or a conversation of messages or dicts. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol.content import Message

Prompt = str | Sequence[Message | Mapping[str, Any]]
"""A text, or a conversation: messages, or dicts with `role` and `content`, a text or a list of parts."""

_HINT = 'a prompt is a text, or a list of Message(role, content) or {"role": ..., "content": ...}'


def conversation(prompt: Prompt) -> list[Message]:
    """The turns of a prompt. Raises `AiPalError` (`bad_request`) for what is none."""
    if isinstance(prompt, str):
        return [Message("user", prompt)]
    if isinstance(prompt, Mapping) or not isinstance(prompt, Sequence):
        raise _refused(f"a prompt cannot be of the type {type(prompt).__name__}")
    return [_message(turn, index) for index, turn in enumerate(prompt)]


def _message(turn: object, index: int) -> Message:
    if isinstance(turn, Message):
        if not isinstance(turn.content, str | Sequence):
            raise _refused(f"turn {index + 1} of the prompt says nothing: {type(turn.content).__name__}")
        return turn
    if not isinstance(turn, Mapping):
        raise _refused(f"turn {index + 1} of the prompt cannot be of the type {type(turn).__name__}")
    try:
        return msgspec.convert(dict(turn), Message)
    except msgspec.ValidationError as error:
        raise _refused(f"turn {index + 1} of the prompt cannot be read: {error}") from None


def _refused(message: str) -> AiPalError:
    return AiPalError(Failure(Code.BAD_REQUEST, message, _HINT))
