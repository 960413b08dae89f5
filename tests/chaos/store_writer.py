"""Writes attempts and turns as fast as it can and says what is kept: `L n` for attempts, `H n` for turns."""

import itertools
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ai_pal.conversations.records import Message
from ai_pal.conversations.store import Conversations
from ai_pal.store.ledger import Attempt, Ledger
from ai_pal.store.sqlite_ledger import SqliteLedger
from ai_pal.store.writer import LedgerWriter


def said(tag: str, number: int) -> list[Message]:
    """A turn that can be recognised, of one line up to several pages."""
    at, words = float(number), "all work and no play " * (number % 7) ** 3
    return [
        Message(role="user", content=f"{tag} asks {number}", at=at),
        Message(role="assistant", content=f"{tag} answers {number} {words}", at=at),
    ]


def main() -> None:
    file, tag = Path(sys.argv[1]), sys.argv[2]

    def acknowledge(ledger: Ledger, attempts: Sequence[Attempt]) -> None:
        os.write(1, b"".join(b"L %d\n" % int(attempt.at) for attempt in attempts))

    writer = LedgerWriter(lambda: SqliteLedger(file), lambda event, **fields: None, acknowledge)
    store = Conversations(file)
    conversation = store.begin(tag, said(tag, 0), now=0.0)
    os.write(1, b"H 0\n")
    for number in itertools.count(1):
        for row in range(3 * number, 3 * number + 3):
            writer.record(
                Attempt(at=float(row), request=tag, tier=1, provider="local", model="echo", outcome="done")
            )
        store.keep(conversation, said(tag, number), after=2 * number, expected=2 * number, now=float(number))
        os.write(1, b"H %d\n" % number)
        time.sleep(0.001)


if __name__ == "__main__":
    main()
