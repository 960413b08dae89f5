"""What is asked from Python, checked and put into the words of the protocol."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypedDict, TypeVar

import msgspec
from msgspec import Meta

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.messages.chat import Message, Options

T = TypeVar("T")

Prompt = str | Sequence[Message | Mapping[str, str]]
"""A text, or a conversation: messages, or dicts with `role` and `content`."""


class Sampling(TypedDict, total=False):
    """How to answer; what is left out, or None, is up to the model. `system` is put before the prompt,
    `deadline` is in seconds for the whole answer, `extra` goes to the engine as it is."""

    max_tokens: int | None
    temperature: float | None
    top_p: float | None
    stop: str | Sequence[str] | None
    seed: int | None
    system: str | None
    deadline: float | None
    extra: dict[str, Any] | None


class Question(NamedTuple):
    """A question, ready to be sent."""

    messages: list[Message]
    options: Options
    deadline: float | None


class _Checked(msgspec.Struct, forbid_unknown_fields=True):
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    temperature: Annotated[float, Meta(ge=0)] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    system: str | None = None
    deadline: Annotated[float, Meta(gt=0)] | None = None
    extra: dict[str, Any] | None = None


def question(prompt: Prompt, options: Mapping[str, Any]) -> Question:
    """Check and translate. Raises `AiPalError`: `bad_request`, `empty_prompt`, `input_not_utf8`."""
    checked = _converted(dict(options), _Checked)
    messages = _messages(prompt)
    if checked.system is not None:
        messages.insert(0, Message("system", checked.system))
    _require_utf8(messages)
    stop = [checked.stop] if isinstance(checked.stop, str) else checked.stop or []
    return Question(
        messages,
        Options(
            checked.temperature, checked.top_p, checked.max_tokens, checked.seed, stop, checked.extra or {}
        ),
        checked.deadline,
    )


def _messages(prompt: Prompt) -> list[Message]:
    if isinstance(prompt, str):
        if not prompt.strip():
            raise AiPalError(Failure(Code.EMPTY_PROMPT, "the prompt is empty", "say something"))
        return [Message("user", prompt)]
    return _converted(prompt, list[Message])


def _converted(value: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        names = ", ".join(Sampling.__annotations__)
        hint = f"options are: {names}; a prompt is a text, or messages with role and content"
        raise AiPalError(Failure(Code.BAD_REQUEST, f"this cannot be asked: {error}", hint)) from None


def _require_utf8(messages: list[Message]) -> None:
    try:
        for message in messages:
            message.content.encode()
    except UnicodeEncodeError as error:
        text = f"the prompt holds half a character at index {error.start}, which no encoding has"
        raise AiPalError(Failure(Code.INPUT_NOT_UTF8, text, "decode its bytes as UTF-8")) from None
