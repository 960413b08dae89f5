"""Turns as a model's template takes them: what it takes is tried when it is loaded, and both engines arrange
conversations by that. Nothing that was said is lost. Pure."""

from collections.abc import Callable, Sequence

import msgspec

from ai_pal.protocol.content import Message, Text
from workers import tool_turns

BETWEEN = "\n\n"
POOR_DEFAULT_SYSTEM = ("named SmolLM",)
"""Templates that put this in front of a conversation without a system message make answers worse."""
MARK = "a system message"
QUESTION, ANSWER, SYSTEM = Message("user", "x"), Message("assistant", "y"), Message("system", MARK)
NO_SYSTEM = Message("system", "")

Shown = Callable[[Sequence[Message]], str | None]
"""A conversation as a template renders it; None where it refuses it."""


class Manners(msgspec.Struct, frozen=True):
    """`system`: the template shows a system message in front of all turns, and `later` one behind others.
    `alternates`: two questions in a row are refused. `silences`: it has a poor system message of its own, or
    takes no conversation without one. `text_apart`: a text beside a call is not shown in front of it.
    `short_ids`, `single_calls`: see `workers.tool_turns`."""

    system: bool = True
    later: bool = True
    alternates: bool = False
    silences: bool = False
    short_ids: bool = False
    single_calls: bool = False
    text_apart: bool = False


def manners_of(shown: Shown, *, system: bool = True) -> Manners:
    """What a template takes. Without `system` it is known to have no place for a system message."""
    demands = shown([QUESTION]) is None and shown([NO_SYSTEM, QUESTION]) is not None
    if demands:
        shown = _with_no_system(shown)
    takes_system = demands or (system and MARK in (shown([SYSTEM, QUESTION]) or ""))
    later = shown([SYSTEM, QUESTION, ANSWER, msgspec.structs.replace(SYSTEM, content="another"), QUESTION])
    one_call = shown([QUESTION, *tool_turns.called(1)])
    beside_text = shown([QUESTION, *tool_turns.called(1, said=MARK)])
    return Manners(
        takes_system,
        takes_system and "another" in (later or ""),
        shown([QUESTION, QUESTION]) is None,
        demands or any(mark in (shown([QUESTION]) or "") for mark in POOR_DEFAULT_SYSTEM),
        one_call is not None and shown([QUESTION, *tool_turns.called(1, tool_turns.LONG)]) is None,
        one_call is not None and shown([QUESTION, *tool_turns.called(2)]) is None,
        beside_text is not None and MARK not in beside_text.partition(tool_turns.NAME)[0],
    )


def _with_no_system(shown: Shown) -> Shown:
    """The same, where conversations have one."""
    return lambda said: shown(said if said[0].role == "system" else [NO_SYSTEM, *said])


def arranged(messages: Sequence[Message], manners: Manners) -> list[Message]:
    """The conversation as the template takes it."""
    if manners.silences and manners.system and not any(one.role == "system" for one in messages):
        messages = [NO_SYSTEM, *messages]
    if not manners.later:
        messages = _with_system_in_questions(messages, manners.system)
    if manners.single_calls:
        messages = tool_turns.one_by_one(messages)
    if manners.text_apart and not manners.alternates:
        messages = tool_turns.with_text_apart(messages)
    if manners.short_ids:
        messages = tool_turns.with_short_ids(messages)
    return alternating(messages) if manners.alternates else list(messages)


def alternating(messages: Sequence[Message]) -> list[Message]:
    """Questions that follow each other are one, and so are answers."""
    result: list[Message] = []
    for message in messages:
        last = result[-1] if result else None
        if last is not None and last.role == message.role and message.role in ("user", "assistant"):
            result[-1] = _joined(last, message)
        else:
            result.append(message)
    return result


def _with_system_in_questions(messages: Sequence[Message], in_front: bool) -> list[Message]:
    """System messages that have no place of their own stand before the next question, or are one. Those
    `in_front` of all turns are one message, where that has its place."""
    first = next((at for at, one in enumerate(messages) if one.role != "system"), len(messages))
    texts = [one.text for one in messages[:first] if one.text]
    result: list[Message] = []
    if in_front and first:
        result, texts = [Message("system", BETWEEN.join(texts))], []
    for message in messages[first:]:
        if message.role == "system":
            texts += [message.text] if message.text else []
        elif message.role == "user" and texts:
            result.append(_joined(Message("user", BETWEEN.join(texts)), message))
            texts = []
        else:
            result.append(message)
    return [*result, Message("user", BETWEEN.join(texts))] if texts else result


def _joined(one: Message, other: Message) -> Message:
    if isinstance(one.content, str) and isinstance(other.content, str):
        return Message(other.role, one.content + BETWEEN + other.content)
    return Message(other.role, [*one.parts, Text(BETWEEN), *other.parts])
