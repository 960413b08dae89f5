"""Requests of clients, looked at before they are taken: what the types alone cannot say. Pure."""

import re

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.message_rules import objection_to_messages, says_something
from ai_pal.protocol.option_rules import contradiction, nearest, objection_to_options, objection_to_value
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.request_rules import RULES, objection_to_field, objection_to_fields

MOST_TEXTS = 1024
"""Texts that may be embedded or ranked by one request: their vectors have to fit into one frame."""

SEE = "see docs/ipc-protocol.md"

EMPTY_PROMPT = Failure(Code.EMPTY_PROMPT, "the prompt is empty", "say something")

NO_COMPLETION = (
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "thinking",
    "thinking_budget",
    "prefill",
    "trim",
)
"""Options of a conversation: a text that is gone on with has neither turns nor a template."""

_INSIDE = r"`\$\.options\.(\w+)"
_FIELD = r" - at `\$\.(\w+)(?:\[\d+\])?`$"
_UNKNOWN = r"(?s)unknown field `(.*)` - at `\$\.options`"


def objection(request: wire.AnyRequest) -> Failure | None:
    """Why a request that can be read cannot be taken, or nothing."""
    if getattr(request, "id", 1) <= 0:
        return _bad("a request id must be above 0")
    if why := objection_to_fields(request):
        return _bad(why)
    if isinstance(options := getattr(request, "options", None), GenerationOptions):
        if why := objection_to_options(options):
            return _bad(why)
        if failure := _objection_to_form(options):
            return failure
        if failure := _of_its_kind(request):
            return failure
        if why := contradiction(options):
            return _bad(why)
    match request:
        case (
            wire.Chat(messages=messages) | wire.Route(messages=messages) | wire.CountTokens(messages=messages)
        ):
            return objection_to_messages(messages) or (None if says_something(messages) else EMPTY_PROMPT)
        case wire.Embed(texts=texts) | wire.Rerank(texts=texts):
            return _objection_to_texts(len(texts))
    return None


def _objection_to_form(options: GenerationOptions) -> Failure | None:
    """What is wrong with tools and with what binds the form of the answer, which few ask for."""
    if not options.tools and options.tool_choice is None and options.response_format is None:
        return None
    from ai_pal.protocol.tool_rules import objection_to_tools

    return objection_to_tools(options)


def _objection_to_texts(count: int) -> Failure | None:
    if not count:
        return _bad("there are no texts")
    if count > MOST_TEXTS:
        limit = f"the limit of {MOST_TEXTS:,} for one request"
        return _bad(f"{count:,} texts are over {limit}: send them in several")
    return None


def _of_its_kind(request: wire.AnyRequest) -> Failure | None:
    """What is wrong with what only requests of this type have."""
    match request:
        case wire.Complete(options=options):
            if why := _objection_to_prompt(request):
                return _bad(why)
            usual = GenerationOptions()
            for name in NO_COMPLETION:
                if getattr(options, name) != getattr(usual, name):
                    message = f"{name} means nothing to a completion"
                    return Failure(Code.BAD_REQUEST, message, "leave it out, or ask in a chat")
    return None


def _objection_to_prompt(request: wire.Complete) -> str:
    tokens = isinstance(request.prompt, list)
    if tokens and (not request.prompt or any(token < 0 for token in request.prompt)):  # type: ignore[operator]
        return "prompt: tokens are whole numbers from 0 on, and there is at least one"
    if request.suffix is not None and (tokens or request.prompt_logprobs):
        return "suffix: what goes before it is a text, of whose tokens nothing is told"
    return ""


def unreadable(frame: bytes, error: Exception) -> Failure:
    """What is wrong with a message that is no request; of options it says what they have to be."""
    text = str(error)
    if text.startswith("Invalid value") and "`$.type`" in text:
        return Failure(Code.UNKNOWN_MESSAGE, f"the message cannot be read: {text}", SEE)
    if found := re.search(_UNKNOWN, text):
        near = nearest(found[1])
        hint = f"did you mean {near}?" if near else SEE
        return Failure(Code.BAD_REQUEST, f"there is no option {found[1]!r}", hint)
    why = ""
    if found := re.search(_INSIDE, text):
        why = objection_to_value(found[1], _said(frame, "options", found[1]))
    elif (found := re.search(_FIELD, text)) and found[1] in RULES:
        why = objection_to_field(found[1], _said(frame, found[1]))
    return _bad(why or f"the message cannot be read: {text}")


def id_of(request: wire.AnyRequest) -> int:
    """The id of a request, 0 for those that have none."""
    return int(getattr(request, "id", 0))


class _OnlyId(msgspec.Struct):
    id: int = 0


def id_within(frame: bytes) -> int:
    """The id of a message that could not be read as a whole, 0 where even that is not there."""
    try:
        return msgspec.msgpack.decode(frame, type=_OnlyId).id
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return 0


def _said(frame: bytes, *path: str) -> object:
    """What stands at this path within a message; None where that cannot be read."""
    value = msgspec.Raw(frame)
    try:
        for name in path:
            value = msgspec.msgpack.decode(value, type=dict[str, msgspec.Raw])[name]
        return msgspec.msgpack.decode(value)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, KeyError):
        return None


def _bad(message: str) -> Failure:
    return Failure(Code.BAD_REQUEST, message, SEE)
