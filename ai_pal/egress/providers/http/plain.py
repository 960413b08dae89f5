"""The bytes of a body as they were before a server compressed them, in UTF-8. Pure."""

import codecs
import json
import re
import zlib
from collections.abc import Iterator
from typing import Protocol

PIECE = 64 * 1024
"""Bytes that come out at once: a bomb is counted while it unfolds, never held whole."""

UNKNOWN = frozenset({"br", "zstd", "compress", "x-compress", "dcb", "dcz", "exi", "pack200-gzip"})
"""Compressions that nobody asked for, and that cannot be undone here."""

_GZIP = b"\x1f\x8b"
_STARTS = re.compile(rb'[{[][\s"{}[\]]|<[!?A-Za-z]|:[ \w]|da|ev|id|\xef\xbb')
"""What answers and pages begin with, and nothing that is compressed."""

_ANY_WRAPPER, _RAW = 16 + zlib.MAX_WBITS, -zlib.MAX_WBITS


class Undecodable(Exception):  # noqa: N818 (it becomes a `BadResponse`)
    """A body that cannot be read."""


class Stage(Protocol):
    """Takes a body piece by piece."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What this piece is, decoded."""

    def close(self) -> Iterator[bytes]:
        """What is left when the body has ended. Raises `Undecodable` if it was cut."""


class Plain:
    """Undoes a Content-Encoding, then makes UTF-8 of UTF-16. Whatever names no compression means that there
    is none: servers write `none`, `Identity`, and names of charsets. Raises `Undecodable`."""

    def __init__(self, content_encoding: str = "") -> None:
        self._stages: list[Stage] = []
        for coding in reversed(content_encoding.lower().split(",")):
            name = coding.strip()
            if name in UNKNOWN:
                raise Undecodable(f"compressed with {name}, though nobody asked for that")
            if name in ("gzip", "x-gzip"):
                self._stages.append(Inflated(gzip=True))
            elif name == "deflate":
                self._stages.append(Inflated(gzip=False))
        if not self._stages:
            self._stages.append(Inflated(gzip=True))  # some compress and do not say so
        self._stages.append(Utf8())

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield from self._fed(data, 0)

    def close(self) -> Iterator[bytes]:
        for number, stage in enumerate(self._stages):
            for piece in stage.close():
                yield from self._fed(piece, number + 1)

    def _fed(self, data: bytes, number: int) -> Iterator[bytes]:
        if number == len(self._stages):
            yield data
            return
        for piece in self._stages[number].feed(data):
            yield from self._fed(piece, number + 1)


class Inflated:
    """Undoes gzip or deflate. What does not begin as such passes as it is: proxies decompress a body and
    leave the header. Deflate is wrapped (RFC 9110) or raw (what some servers send)."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip, self._start = gzip, b""
        self._inflate: zlib._Decompress | None = None
        self._begun = self._as_it_is = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        if not self._begun:
            self._start += data
            if len(self._start) < 2:
                return
            data, self._begun = self._start, True
            self._as_it_is = not self._begins(data[:2])
        if self._as_it_is:
            yield data
            return
        yield from self._inflated(data)

    def close(self) -> Iterator[bytes]:
        if not self._begun:
            yield self._start
        elif not (self._as_it_is or self._inflate is None or self._inflate.eof):
            raise Undecodable("its compressed body was cut")

    def _begins(self, start: bytes) -> bool:
        if self._gzip:
            self._inflate = zlib.decompressobj(_ANY_WRAPPER)
            return start == _GZIP
        wrapped = start[0] & 0x0F == zlib.DEFLATED and int.from_bytes(start) % 31 == 0
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS if wrapped else _RAW)
        return wrapped or not _STARTS.match(start)

    def _inflated(self, data: bytes) -> Iterator[bytes]:
        assert self._inflate is not None
        while data:
            if self._inflate.eof:
                if not (self._gzip and data.startswith(_GZIP)):  # padding
                    return
                self._inflate = zlib.decompressobj(_ANY_WRAPPER)  # one more member
            try:
                piece = self._inflate.decompress(data, PIECE)
            except zlib.error:
                raise Undecodable("its compressed body cannot be read") from None
            if piece:
                yield piece
            data = self._inflate.unconsumed_tail or self._inflate.unused_data


class Utf8:
    """Without a byte order mark, and UTF-16 or UTF-32 made UTF-8: by their first bytes, as JSON does. Other
    charsets pass as they are."""

    def __init__(self) -> None:
        self._start = b""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        if not self._begun:
            self._start += data
            if len(self._start) < 4:
                return
            data = self._begin()
        yield self._decoder.decode(data).encode() if self._decoder is not None else data

    def close(self) -> Iterator[bytes]:
        if not self._begun:
            data = self._begin()
            yield self._decoder.decode(data).encode() if self._decoder is not None else data
        if self._decoder is not None:
            yield self._decoder.decode(b"", final=True).encode()

    def _begin(self) -> bytes:
        self._begun = True
        encoding = json.detect_encoding(self._start)
        if encoding == "utf-8-sig":
            return self._start[len(codecs.BOM_UTF8) :]
        if encoding != "utf-8":
            self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        return self._start
