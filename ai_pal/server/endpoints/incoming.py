"""One message of a client while its frames come: requests, and behind the last one its attachments. Pure."""

from collections.abc import Sequence

import msgspec

from ai_pal.counted import counted
from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.frames import MOST_BYTES, MOST_FRAMES, frames_named
from ai_pal.protocol.message_rules import objection_to_blobs
from ai_pal.transport.sockets import Blob, view_of


class Incoming(msgspec.Struct, eq=False):
    """A request whose attachments are still to come; without one: what comes behind something that could not
    be read. What is too much is counted and not kept. `own` are the bytes of its own frame, if they count."""

    request: wire.AnyRequest | None = None
    blobs: list[Blob] = msgspec.field(default_factory=list)
    frames: int = 0
    size: int = 0
    own: int = 0

    @property
    def held(self) -> int:
        """Bytes that are held while it is open."""
        return self.size + self.own

    def take(self, blob: Blob) -> None:
        """The next frame of the message."""
        self.frames += 1
        self.size += len(blob)
        self.blobs.append(blob)
        if self.frames > MOST_FRAMES or self.size > MOST_BYTES:
            self.blobs.clear()

    def objection(self) -> Failure | None:
        """What is wrong with the attachments, now that the message is at its end."""
        named = frames_named(messages_of(self.request))
        wanted = max(named, default=0)
        if wanted > MOST_FRAMES or self.frames > MOST_FRAMES:
            message = f"a request may have {MOST_FRAMES} frames, not {max(wanted, self.frames):,}"
            return Failure(Code.BAD_REQUEST, message, "send fewer attachments at once")
        if self.size > MOST_BYTES:
            message = (
                f"attachments of {self.size:,} bytes are over the limit of {MOST_BYTES:,} for one request"
            )
            return Failure(Code.FRAME_TOO_LARGE, message, "send fewer, or smaller ones")
        if self.frames < wanted:
            came = "none came" if not self.frames else f"only {counted(self.frames, 'frame')} came"
            return _bad(f"frame {wanted} is to follow the request, but {came}")
        unnamed = [number for number in range(1, self.frames + 1) if number not in named]
        if unnamed:
            return _bad(f"no part of the request refers to frame {unnamed[0]} behind it")
        return objection_to_blobs(messages_of(self.request), [view_of(blob) for blob in self.blobs])


def messages_of(request: wire.AnyRequest | None) -> Sequence[Message]:
    """The conversation in a request, if there is one."""
    return request.messages if isinstance(request, wire.Chat | wire.Route | wire.CountTokens) else ()


def _bad(message: str) -> Failure:
    return Failure(Code.BAD_REQUEST, message, "see docs/ipc-protocol.md")
