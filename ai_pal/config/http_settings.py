"""`[http]`: where `ai-pal serve` listens, who may ask there, and how much of everything."""

from typing import Annotated

import msgspec
from msgspec import Meta

from ai_pal.config.kinds import a_duration, a_path, a_size

MOST_GATEWAYS = 64
USUAL_BODY = 200 * 1024 * 1024
USUAL_HEAD = 64 * 1024


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Durations are in seconds, sizes in bytes."""

    listen: Annotated[
        str,
        Meta(
            description="An address with its port, or the path of a Unix socket. Beyond this machine "
            "(`0.0.0.0:11435`) a key is needed: `ai-pal keys create`."
        ),
    ] = "127.0.0.1:11435"
    start: Annotated[bool, Meta(description="`ai-pal supervise` serves there too, as with `--http`.")] = False
    workers: Annotated[
        int,
        Meta(
            ge=1,
            le=MOST_GATEWAYS,
            description="Processes that share the port, each a client of its own; more than one needs TCP.",
        ),
    ] = 1
    keep_responses: Annotated[
        float,
        a_duration("How long OpenAI's responses can be gone on with, on this disk; 0 keeps none.", ge=0),
    ] = 86400.0
    certificate: Annotated[
        str, a_path("TLS: a file with the certificate and those between it and its root (PEM).")
    ] = ""
    key: Annotated[str, a_path("TLS: the file with the private key of `certificate` (PEM).")] = ""
    hosts: Annotated[
        tuple[str, ...],
        Meta(
            description="Names that may stand in `Host`, besides `localhost`, this machine's own name and "
            "bare addresses."
        ),
    ] = ()
    origins: Annotated[
        tuple[str, ...],
        Meta(
            description="Pages that may ask, besides those of this machine: `https://chat.example`, or "
            "`vscode-webview://` for all of a scheme."
        ),
    ] = ()
    max_head: Annotated[int, a_size("A request's head at most: larger ones are a 431.", ge=1024)] = USUAL_HEAD
    max_body: Annotated[int, a_size("A request's body at most: larger ones are a 413.", ge=1024)] = USUAL_BODY
    max_connections: Annotated[
        int,
        Meta(
            ge=8,
            description="Connections at a time, shared out among the processes of a port. For one more, the "
            "one that has been silent longest is closed; where all are busy it is a 503.",
        ),
    ] = 1000
    max_per_key: Annotated[
        int,
        Meta(ge=1, description="Requests of one key at a time, at all processes of a port: more are a 429."),
    ] = 64
    head_timeout: Annotated[
        float, a_duration("How long the head of a request may take, from the connection on.", gt=0)
    ] = 10.0
    body_timeout: Annotated[float, a_duration("How long the body of a request may take.", gt=0)] = 120.0
    idle_timeout: Annotated[
        float, a_duration("How long a connection may stay open between two requests.", gt=0)
    ] = 120.0
