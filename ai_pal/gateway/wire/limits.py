"""How much of everything a request and its connection may take, and how long. Pure."""

import math

import msgspec

from ai_pal.config.http_settings import HttpSettings
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.gateway.wire.statuses import StatusError


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
