"""Which replicas have read the beginning of a prompt. No text is kept: turns are known by hashes, whose key
ends with the process."""

import os
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from ai_pal.protocol import worker as inner
from ai_pal.server.jobs import Work

MOST = 4096
"""Beginnings that are remembered for each model, those that were used last."""

FIRST, LAST = 4, 16
"""Of a prompt with more turns only so many are known: what it shares with others stands at its beginning, and
what was asked last at its end."""

_KEY = os.urandom(16)
_SIZE = 8


def fingerprints(work: Work) -> tuple[bytes, ...]:
    """One for the prompt up to the end of each of its turns; none for what leaves nothing to go on from."""
    match work:
        case inner.Generate():
            turns: Sequence[object] = [(turn.role, turn.parts) for turn in work.messages]
            before: object = work.options.tools
        case inner.CompleteText():
            turns, before = [work.prompt], None
        case _:
            return ()
    found, last = [], _hash(b"", before)
    for turn in turns:
        last = _hash(last, turn)
        found.append(last)
    return tuple(found if len(found) <= FIRST + LAST else found[:FIRST] + found[-LAST:])


def _hash(before: bytes, turn: object) -> bytes:
    return blake2b(before + msgspec.msgpack.encode(turn), digest_size=_SIZE, key=_KEY).digest()


class KnownPrefixes:
    """What each replica of one model was given to read."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._readers: OrderedDict[bytes, frozenset[int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._readers)

    def known(self, prints: Sequence[bytes], number: int) -> int:
        """How many of these this replica has read."""
        for count in range(len(prints), 0, -1):
            if number in self._readers.get(prints[count - 1], ()):
                return count
        return 0

    def reads(self, prints: Sequence[bytes], number: int) -> None:
        """From now on it knows these."""
        for one in prints:
            self._readers[one] = self._readers.get(one, frozenset()) | {number}
            self._readers.move_to_end(one)
        while len(self._readers) > self._most:
            self._readers.popitem(last=False)

    def forget(self, number: int) -> None:
        """Its process has ended, and what it had read with it."""
        for one, readers in list(self._readers.items()):
            if number not in readers:
                continue
            if left := readers - {number}:
                self._readers[one] = left
            else:
                del self._readers[one]
