"""What is asked from Python, checked and put into the words of the protocol."""

from typing import Any, NamedTuple

import msgspec

from ai_pal.client.prompt import Prompt, conversation
from ai_pal.client.sampling import Sampling, converted, options_of
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.request_rules import objection_to_field
from ai_pal.protocol.requests import EMPTY_PROMPT


class Question(NamedTuple):
    """A question, ready to be sent."""

    messages: list[Message]
    options: GenerationOptions
    deadline: float | None


class _Rest(msgspec.Struct):
    system: str | None = None
    deadline: Any = None


def question(prompt: Prompt, how: Sampling) -> Question:
    """Check and translate. Raises `AiPalError`: `bad_request`, `empty_prompt`, `input_not_utf8`."""
    checked = converted({name: how.get(name) for name in _Rest.__struct_fields__}, _Rest)
    if why := objection_to_field("deadline", checked.deadline):
        raise AiPalError(Failure(Code.BAD_REQUEST, why, "correct it, or leave it out"))
    messages = messages_of(prompt)
    if checked.system is not None:
        messages.insert(0, Message("system", checked.system))
    _require_utf8(messages)
    return Question(messages, options_of(how), checked.deadline)


def messages_of(prompt: Prompt) -> list[Message]:
    """The turns of a prompt. Raises `AiPalError` as `question`."""
    if isinstance(prompt, str) and not prompt.strip():
        raise AiPalError(EMPTY_PROMPT)
    return conversation(prompt)


def _require_utf8(messages: list[Message]) -> None:
    try:
        for message in messages:
            message.text.encode()
    except UnicodeEncodeError as error:
        text = f"the prompt holds half a character at index {error.start}, which no encoding has"
        raise AiPalError(Failure(Code.INPUT_NOT_UTF8, text, "decode its bytes as UTF-8")) from None
