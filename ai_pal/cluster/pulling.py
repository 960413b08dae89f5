"""A node's own pull, in a process of its own for one download: `python -P -m ai_pal.cluster.pulling`.

It takes the `Fetch` as a line of JSON on stdin, writes how far it is as lines on stdout, and ends with its
stdin: with the agent that wants it."""

import logging
import os
import select
import sys
import time

import msgspec

from ai_pal.egress.fetching import Fetching
from ai_pal.errors import Code, Failure
from ai_pal.protocol.egress import Fetch, Fetched, FetchFailed, FetchProgress

NEWS_SECONDS = 0.25

STALL_SECONDS = 30.0
"""Until a download that does not move is given up: before the load is, for there is another way."""

Said = FetchProgress | Fetched | FetchFailed


def main() -> int:
    """Fetch to the end; the last line says what came of it."""
    logging.disable(logging.CRITICAL)  # libraries log whole requests, with their headers
    fetch = msgspec.json.decode(sys.stdin.buffer.readline(), type=Fetch)
    fetching, moved_at = Fetching(fetch), time.monotonic()
    while fetching.outcome is None:
        if select.select([0], [], [], NEWS_SECONDS)[0] and not os.read(0, 4096):
            return 0
        now = time.monotonic()
        if (news := fetching.news()) is not None:
            moved_at = now
            _say(news)
        elif now - moved_at > STALL_SECONDS:
            stalled = f"the download of {fetch.name} got no data for {STALL_SECONDS:g} s"
            _say(FetchFailed(fetch.key, Failure(Code.DOWNLOAD_FAILED, stalled, retryable=True)))
            return 0
    _say(fetching.outcome)
    return 0


def _say(what: Said) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.flush()


if __name__ == "__main__":
    code = main()
    os._exit(code)  # the download's thread may wait for what does not come
