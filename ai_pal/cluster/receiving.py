"""A file that comes in pieces over a link that may be cut anywhere: what to ask for, when it is whole.

The receiver asks and the giver only answers: so nothing comes that is not wanted, and after a cut it asks on
from what it has. All that arrives is hashed; only what has the right hash is `whole`.
"""

import hashlib

import msgspec

PIECE = 256 << 10
"""Bytes that are asked for in one go: what answers say to others on the same line comes in between."""

AHEAD = 8
"""Pieces that may be under way: enough to fill the line, and a bound for what waits anywhere."""


class Want(msgspec.Struct, frozen=True):
    """Asks the giver for `count` bytes from `offset` on."""

    offset: int
    count: int


class Piece(msgspec.Struct, frozen=True):
    """Bytes of the file from `offset` on: as many as were asked for, or fewer and the rest in the next."""

    offset: int
    data: bytes


class Receiving:
    """One file on its way. What `took` gives back is to be appended to what is kept."""

    def __init__(self, size: int, sha256: str, piece: int = PIECE, ahead: int = AHEAD) -> None:
        self._size, self._sha256, self._piece, self._ahead = size, sha256, piece, ahead
        self._digest = hashlib.sha256()
        self.done = 0
        self._asked = 0

    def kept(self, data: bytes) -> None:
        """What an earlier try left, from its beginning and in order; before anything is asked for."""
        self._take(data)
        self._asked = self.done

    def wants(self) -> list[Want]:
        """What to ask for now."""
        found = []
        while self._asked < self._size and self._asked - self.done < self._piece * self._ahead:
            count = min(self._piece, self._size - self._asked)
            found.append(Want(self._asked, count))
            self._asked += count
        return found

    def took(self, piece: Piece) -> bytes:
        """What of this piece is new. Raises ValueError for one that was not asked for: the link is broken."""
        past, end = self.done - piece.offset, piece.offset + len(piece.data)
        if piece.offset < 0 or past < 0 or end > self._asked:
            raise ValueError(f"bytes {piece.offset} to {end} are not those that were asked for")
        data = piece.data[past:]
        self._take(data)
        return data

    def cut(self) -> None:
        """The link is gone, and all that was under way: `wants` asks for it again."""
        self._asked = self.done

    @property
    def complete(self) -> bool:
        """Whether all bytes are there, right or wrong."""
        return self.done == self._size

    @property
    def whole(self) -> bool:
        """Whether this is the file."""
        return self.complete and self._digest.hexdigest() == self._sha256

    def _take(self, data: bytes) -> None:
        if self.done + len(data) > self._size:
            raise ValueError(f"more than the {self._size} bytes of the file")
        self._digest.update(data)
        self.done += len(data)
