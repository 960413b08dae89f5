"""What goes out to clients: what waits for one leaves as one message, and who does not read is cut off at a
bound."""

from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.server.ports import Clock
from ai_pal.transport.channel import Sent

BACKLOG_LIMIT = 4 * 1024 * 1024
"""Bytes that may wait for a client that does not read; then its requests are interrupted, and at
twice as much it is forgotten."""

RESEND_INTERVAL = 0.02
"""Seconds between two tries to reach a client that does not read."""

SendFrames = Callable[[bytes, Sequence[bytes]], Sent]


class Outbox(msgspec.Struct, eq=False):
    """What waits for one client: `events` to be encoded, and what libzmq would not take yet."""

    events: list[wire.Event] = msgspec.field(default_factory=list)
    backlog: deque[bytes] = msgspec.field(default_factory=deque)
    backlog_bytes: int = 0


class Delivery:
    """Sends what waits in outboxes. `gone` hears of clients that are there no more, or were forgotten, and
    `too_slow` of those that let more than `limit` bytes wait."""

    def __init__(
        self,
        send_frames: SendFrames,
        clock: Clock,
        limit: int,
        *,
        gone: Callable[[bytes], None],
        too_slow: Callable[[bytes, Failure], None],
    ) -> None:
        self._send_frames, self._clock, self._limit = send_frames, clock, limit
        self._gone, self._too_slow = gone, too_slow

    def at_once(self, client: bytes, event: wire.Event) -> None:
        """Send an event to whoever has no outbox; what cannot be sent is dropped."""
        self._send_frames(client, [wire.encode(event)])

    def send(self, client: bytes, outbox: Outbox) -> None:
        """Send what waits as one message."""
        events = outbox.events
        if outbox.backlog:  # who reads late hears of what is, not of what was on the way to it
            events = [event for event in events if not _passing(event)]
        frames = [wire.encode(event) for event in events]
        outbox.events.clear()
        if outbox.backlog:
            self._hold(client, outbox, frames)
        else:
            self._deliver(client, outbox, frames)

    def again(self, client: bytes, outbox: Outbox) -> None:
        """Try once more what could not be sent."""
        if outbox.backlog:
            frames = list(outbox.backlog)
            outbox.backlog.clear()
            outbox.backlog_bytes = 0
            self._deliver(client, outbox, frames)

    def _deliver(self, client: bytes, outbox: Outbox, frames: list[bytes]) -> None:
        match self._send_frames(client, frames):
            case Sent.GONE:
                self._gone(client)
            case Sent.FULL:
                self._hold(client, outbox, frames)

    def _hold(self, client: bytes, outbox: Outbox, frames: list[bytes]) -> None:
        within = outbox.backlog_bytes <= self._limit
        if outbox.backlog_bytes > 2 * self._limit:
            self._gone(client)
            return
        outbox.backlog.extend(frames)
        outbox.backlog_bytes += sum(map(len, frames))
        self._clock.wake_at(self._clock.now() + RESEND_INTERVAL)
        if within and outbox.backlog_bytes > self._limit:
            slow = Failure(
                Code.CLIENT_TOO_SLOW,
                f"the client let more than {self._limit} bytes wait",
                "read faster, or ask for less at once",
                retryable=True,
            )
            self._too_slow(client, slow)


def _passing(event: wire.Event) -> bool:
    """Whether an event means nothing once the next of its kind is there, and that one will come."""
    return isinstance(event, wire.Reading) and event.done < event.total
