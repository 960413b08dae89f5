"""How much of everything a request and its connection may take, and how long. Pure."""

import math
import re

import msgspec

from ai_pal.config.http_settings import HttpSettings
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.gateway.wire.statuses import StatusError

MOST_DEPTH = 200
"""Lists and objects within each other: schemas of tools have ten or twenty."""

MOST_OBJECTS = 1_000_000
"""Lists and objects of a body: what is large in one is text, pictures too. Brackets in texts count too."""

_MARKS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)


class Limits(msgspec.Struct, frozen=True):
    """Bytes, numbers and seconds, as `[http]` has them."""

    head: int
    body: int
    connections: int
    per_key: int
    head_timeout: float
    body_timeout: float
    idle_timeout: float


FEWEST_CONNECTIONS = 8
"""Of each process, however many there are."""


def limits_of(http: HttpSettings, processes: int = 1) -> Limits:
    """As the settings say, for one of so many processes at a port: connections are shared out among them,
    open requests of a key are counted together."""
    connections = max(FEWEST_CONNECTIONS, math.ceil(http.max_connections / processes))
    return Limits(
        *(http.max_head, http.max_body, connections, http.max_per_key),
        *(http.head_timeout, http.body_timeout, http.idle_timeout),
    )


def too_large(limit: int) -> AiPalError:
    """A body has more bytes than this."""
    most = f"{limit // 1024**2} MiB" if limit >= 1024**2 else f"{limit} bytes"
    return AiPalError(Failure(Code.FRAME_TOO_LARGE, f"the body has more than {most}", "send less at once"))


def too_late(seconds: float) -> AiPalError:
    """A body has not come in so many seconds."""
    return StatusError(
        408, Failure(Code.BAD_REQUEST, f"the body did not come within {seconds:g} s", "send it again")
    )


def check_depth(body: bytes) -> None:
    """Raises `BodyError` for JSON that is nested too deeply: what reads it later reads it recursively; and
    for what is made of so many parts that all of them would take seconds."""
    brackets = body.count(b"[") + body.count(b"{")
    if brackets <= MOST_DEPTH:
        return
    if brackets > MOST_OBJECTS:
        raise BodyError(f"the body has more than {MOST_OBJECTS:,} brackets, and is too large for a request")
    depth = 0
    for mark in _MARKS.finditer(body):
        match mark[0]:
            case b"[" | b"{":
                depth += 1
                if depth > MOST_DEPTH:
                    raise BodyError(f"the body is nested more than {MOST_DEPTH} deep")
            case b"]" | b"}":
                depth -= 1
