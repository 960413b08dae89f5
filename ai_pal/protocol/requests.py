"""Requests of clients, looked at before they are taken: what the types alone cannot say. Pure."""

import math

import msgspec

from ai_pal.protocol import client as wire
from ai_pal.protocol.options import GenerationOptions

MAX_NESTING = 32
"""Levels of `options.extra`: what could just be decoded might be too deep to be encoded for the worker."""


def objection(request: wire.AnyRequest) -> str:
    """Why a request that can be read cannot be taken, or nothing."""
    if getattr(request, "id", 1) <= 0:
        return "a request id must be above 0"
    if isinstance(request, wire.Chat | wire.Route):
        if _nested(request.options.extra, MAX_NESTING):
            return f"options.extra is nested deeper than {MAX_NESTING}"
        if request.max_cost is not None and request.max_cost < 0:
            return "max_cost is less than 0"
        if wrong := _objection_to(request.options):
            return wrong
    for name in ("deadline", "keep_alive", "usual_keep_alive", "max_cost"):
        if math.isnan(getattr(request, name, None) or 0.0):
            return f"{name} is not a number"
    return ""


def _objection_to(options: GenerationOptions) -> str:
    """Why nothing can be sampled so, or nothing. A comparison with what is no number is never true."""
    temperature, top_p = options.temperature, options.top_p
    if temperature is not None and not 0 <= temperature < math.inf:
        return f"temperature {temperature:g} is none: it is 0 or more"
    if top_p is not None and not 0 < top_p <= 1:
        return f"top_p {top_p:g} is none: it is above 0 and at most 1"
    if options.max_tokens is not None and options.max_tokens < 1:
        return f"max_tokens {options.max_tokens} is none: it is 1 or more"
    return ""


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


def _nested(value: object, levels: int) -> bool:
    """Whether `value` holds more than `levels` levels of lists and maps."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(levels == 0 or _nested(item, levels - 1) for item in inside)
