"""What waits for the supervisor: text of one completion becomes one piece, and all leaves together.
Bounded: who writes faster than the supervisor reads waits in `room`, and the provider with him."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from ai_pal.egress.report import report
from ai_pal.errors import Code, Failure
from ai_pal.protocol.egress import (
    CompletionDelta,
    CompletionFailed,
    Fetched,
    FetchFailed,
    FetchProgress,
    FromEgress,
    decode_from_egress,
    encode,
)

WAITING_LIMIT = 256 * 1024
"""Characters that may wait for one completion before its stream is read no further."""

FRAMES_LIMIT = 256
"""Frames of one message."""


class _Text(msgspec.Struct, eq=False):
    """Pieces of one part that go out as one: the first, how many they are, and the texts of them all."""

    first: CompletionDelta
    n: int
    texts: list[str]
    signature: str = ""

    def takes(self, piece: CompletionDelta) -> bool:
        """Whether this piece may join: it is of the same part, and that is not signed yet."""
        return (piece.kind, piece.index) == (self.first.kind, self.first.index) and not self.signature

    def message(self) -> CompletionDelta:
        text = "".join(self.texts)
        return msgspec.structs.replace(self.first, n=self.n, text=text, signature=self.signature)


class Outbox:
    """`send` takes the frames of one message, and says False when it cannot now: `flush` is called again."""

    def __init__(self, send: Callable[[Sequence[bytes]], bool]) -> None:
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._waiting: list[FromEgress | _Text] = []
        self._texts: dict[int, _Text] = {}
        self._sizes: dict[int, int] = {}
        self._unsent: list[bytes] = []
        self._room = asyncio.Event()
        self._scheduled = False

    @property
    def stuck(self) -> bool:
        """Whether the supervisor takes nothing in."""
        return bool(self._unsent)

    def put(self, message: FromEgress) -> None:
        """Let it wait until the loop has its turn; pieces of one completion are joined."""
        if isinstance(message, CompletionDelta):
            self._put_text(message)
        else:
            self._texts.pop(getattr(message, "key", 0), None)
            self._waiting.append(message)
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self.flush)

    async def room(self, key: int) -> None:
        """Wait while too much waits for this completion."""
        while self._sizes.get(key, 0) >= WAITING_LIMIT:
            self._room.clear()
            await self._room.wait()

    def flush(self) -> None:
        """Send what waits, as far as the supervisor takes it."""
        self._scheduled = False
        while self._unsent or self._waiting:
            if not self._unsent:
                self._encode()
            if not self._send(self._unsent):
                return
            self._unsent = []
        self._sizes.clear()
        self._room.set()

    def _put_text(self, message: CompletionDelta) -> None:
        key = message.key
        self._sizes[key] = self._sizes.get(key, 0) + len(message.text)
        text = self._texts.get(key)
        if text is None or not text.takes(message):
            text = self._texts[key] = _Text(message, message.n, [message.text], message.signature)
            self._waiting.append(text)
        else:
            text.n += message.n
            text.texts.append(message.text)
            text.signature = message.signature

    def _encode(self) -> None:
        batch, self._waiting = self._waiting[:FRAMES_LIMIT], self._waiting[FRAMES_LIMIT:]
        if not self._waiting:
            self._texts.clear()
        else:
            for item in batch:
                if isinstance(item, _Text):
                    self._texts.pop(item.first.key, None)
        self._unsent = [_frame(item.message() if isinstance(item, _Text) else item) for item in batch]


def _frame(message: FromEgress) -> bytes:
    """The message as the supervisor can read it. One that it could not read would end this process for all:
    it ends its own completion instead."""
    try:
        frame = encode(message)
        if not isinstance(message, CompletionDelta):  # that is text, and nothing else of a stranger's
            decode_from_egress(frame)
        return frame
    except (msgspec.MsgspecError, OverflowError, UnicodeError, TypeError) as error:
        key = getattr(message, "key", None)
        if key is None:
            raise
        report(error, "a message that cannot be sent")
        said = "the provider sent something that cannot be passed on"
        reason = Failure(Code.STREAM_BROKEN, said, "ask again, or ask another", retryable=True)
        fetching = isinstance(message, FetchProgress | Fetched | FetchFailed)
        return encode((FetchFailed if fetching else CompletionFailed)(key, reason))
