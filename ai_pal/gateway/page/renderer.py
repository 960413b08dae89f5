"""The process that renders: lines of blocks in, lines of HTML out, each with its number.

Each block has its time: that of the processor, so a busy machine shows no less. What is over it, or breaks
its reader, is shown as plain text. Hostile text holds up nothing but this process, with nothing to lose."""

import resource
import signal
import sys
from types import FrameType

import msgspec

from ai_pal.gateway.page.markdown import plain, shown

SECONDS = 0.5
"""Of the processor for one block."""

TOGETHER = 4.0
"""For the blocks of one line; those that come after are plain."""

AGAIN = 0.05
"""Where the first alarm was swallowed by what was interrupted, another follows."""

MEMORY = 1 << 30
"""Bytes of addresses."""


class _LateError(BaseException):
    """The time is over. Nothing that handles an `Exception` takes it."""


def main() -> None:
    """Render, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who asks: it closes our input
    signal.signal(signal.SIGVTALRM, _late)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    read, write = msgspec.json.Decoder(tuple[int, list[str]]), msgspec.json.Encoder()
    for line in sys.stdin.buffer:
        number, blocks = read.decode(line)
        sys.stdout.buffer.write(write.encode((number, _all(blocks))) + b"\n")
        sys.stdout.buffer.flush()


def _all(blocks: list[str]) -> list[str]:
    left, found = TOGETHER, []
    for block in blocks:
        if left <= 0:
            found.append(plain(block))
            continue
        html, took = in_time(block, min(SECONDS, left))
        left -= took
        found.append(html)
    return found


def in_time(block: str, seconds: float) -> tuple[str, float]:
    """The HTML of a block, and the seconds that it took. For the main thread, where signals arrive."""
    left = 0.0
    try:
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, seconds, AGAIN)
            html = shown(block)
        finally:
            left = signal.setitimer(signal.ITIMER_VIRTUAL, 0)[0]
    except (_LateError, MemoryError):
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        return plain(block), seconds
    return html, max(0.0, seconds - left)


def _late(number: int, frame: FrameType | None) -> None:
    raise _LateError


if __name__ == "__main__":
    main()
