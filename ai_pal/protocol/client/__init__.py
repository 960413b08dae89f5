"""The conversation between a client and the supervisor: requests one way, events the other."""

from functools import cache

import msgspec

from ai_pal.protocol.client.answers import *
from ai_pal.protocol.client.hub import *
from ai_pal.protocol.client.replies import *
from ai_pal.protocol.client.requests import *
from ai_pal.protocol.client.status import *
from ai_pal.protocol.client.watching import *
from ai_pal.protocol.value_rules import plain

PROTOCOL = 2
"""Version of this conversation; a client with another major number is refused."""

MAX_FRAME = 8 * 1024 * 1024
"""Bytes a client may send in one frame; more is answered with `frame_too_large`."""

AnyRequest = (
    Hello
    | Chat
    | Complete
    | Embed
    | Rerank
    | CountTokens
    | Cancel
    | Load
    | Unload
    | Status
    | Stop
    | Goodbye
    | Pull
    | Route
    | Rate
    | Drain
    | Providers
    | Models
    | Subscribe
    | Search
    | Revisions
    | CallOff
    | Calibrate
)

AnyEvent = (
    Welcome
    | Accepted
    | Queued
    | Loading
    | Reading
    | Started
    | Delta
    | Logprobs
    | Notice
    | Done
    | Failed
    | Interrupted
    | Cancelled
    | Loaded
    | Unloaded
    | StatusReply
    | Stopping
    | Pulling
    | Pulled
    | Routed
    | Rated
    | Drained
    | Embedded
    | Reranked
    | Counted
    | ProvidersReply
    | ModelsReply
    | Picture
    | Changes
    | SearchReply
    | RevisionsReply
    | CalledOff
    | Calibrating
    | Calibrated
)

TERMINAL = (Done, Failed, Interrupted, Cancelled)
"""Exactly one of these ends every accepted chat request."""

ENDS: dict[type[Request], type[Event]] = {
    Chat: Done,
    Complete: Done,
    Embed: Embedded,
    Rerank: Reranked,
    CountTokens: Counted,
    Load: Loaded,
    Unload: Unloaded,
    Status: StatusReply,
    Stop: Stopping,
    Pull: Pulled,
    Route: Routed,
    Rate: Rated,
    Drain: Drained,
    Providers: ProvidersReply,
    Models: ModelsReply,
    Subscribe: Cancelled,
    Search: SearchReply,
    Revisions: RevisionsReply,
    CallOff: CalledOff,
    Calibrate: Calibrated,
}
"""What a request ends with when it has worked; `failed` and `cancelled` end any, `interrupted` an answer."""

ENDING: frozenset[type[Event]] = frozenset((*TERMINAL, *ENDS.values()))
"""Behind one of these nothing more comes of its request: the id is free."""

encode = msgspec.msgpack.Encoder(enc_hook=plain).encode


@cache
def _request_decoder() -> msgspec.msgpack.Decoder[AnyRequest]:
    return msgspec.msgpack.Decoder(AnyRequest)


def decode_request(frame: bytes) -> AnyRequest:
    """Only supervisors read requests: clients need not wait until all of their types have been looked at."""
    return _request_decoder().decode(frame)


decode_event = msgspec.msgpack.Decoder(AnyEvent).decode
