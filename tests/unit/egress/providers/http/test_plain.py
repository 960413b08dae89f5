"""Bodies made plain: compressions, byte order marks, UTF-16; whatever is no compression passes."""

import gzip
import itertools
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.egress.providers.http.plain import PIECE, Plain, Undecodable

TEXT = 'data: {"said": "Ça va — 中文 😀"}\n\n'


def _raw(data: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeeze.compress(data) + squeeze.flush()


def _as_it_is(data: bytes) -> bytes:
    return data


WAYS: dict[str, Callable[[bytes], bytes]] = {
    "": _as_it_is,
    "none": _as_it_is,
    "Identity": _as_it_is,
    "UTF-8": _as_it_is,
    "aws-chunked, identity": _as_it_is,
    "gzip": gzip.compress,
    "X-GZip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate ": _raw,
    "identity, gzip": gzip.compress,
    "deflate, gzip": lambda data: gzip.compress(zlib.compress(data)),
}
CHARSETS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]


def _read(plain: Plain, data: bytes, cuts: list[int]) -> bytes:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in itertools.pairwise(edges)]
    told = [piece for given in pieces for piece in plain.feed(given)]
    return b"".join([*told, *plain.close()])


@pytest.mark.parametrize("name", WAYS)
@given(st.text(), st.sampled_from(CHARSETS), st.lists(st.integers(0, 4000), max_size=4))
def test_a_body_is_what_it_was(name: str, text: str, charset: str, cuts: list[int]) -> None:
    told = "{" + TEXT + text  # as JSON and events do, it begins in ASCII
    assert _read(Plain(name), WAYS[name](told.encode(charset)), cuts).decode() == told


@pytest.mark.parametrize("name", ["gzip", "deflate"])
@pytest.mark.parametrize(
    "start", ['{"', "[{", "data: ", "event: ", "id: ", ": ", "<!DOCTYPE", "<html", "\ufeff{"]
)
def test_a_body_that_a_proxy_has_unpacked_is_read_as_it_is(name: str, start: str) -> None:
    told = start + TEXT
    assert _read(Plain(name), told.encode(), [1]).decode() == told.removeprefix("\ufeff")


@pytest.mark.parametrize("name", ["", "identity", "utf-8"])
def test_gzip_that_is_not_called_so_is_unpacked(name: str) -> None:
    assert _read(Plain(name), gzip.compress(TEXT.encode()), [1, 3]).decode() == TEXT


@pytest.mark.parametrize("body", [b"", b"a", b"\xef\xbb\xbf", b"ab", b"abc"])
def test_the_shortest_bodies(body: bytes) -> None:
    for name in ("", "gzip"):
        assert _read(Plain(name), body, []) == body.removeprefix(b"\xef\xbb\xbf")


@pytest.mark.parametrize("name", ["br", "ZSTD", "gzip, br", "compress"])
def test_a_compression_that_cannot_be_undone_is_named(name: str) -> None:
    with pytest.raises(Undecodable, match="compressed with"):
        Plain(name)


def test_a_body_that_was_cut_says_so() -> None:
    plain = Plain("gzip")
    assert b"".join(plain.feed(gzip.compress(TEXT.encode())[:-9]))
    with pytest.raises(Undecodable, match="cut"):
        list(plain.close())


def test_a_body_that_breaks_off_into_noise_says_so() -> None:
    with pytest.raises(Undecodable, match="cannot be read"):
        list(Plain("gzip").feed(b"\x1f\x8b" + bytes(range(200, 240))))


def test_members_follow_each_other_and_padding_is_none() -> None:
    body = gzip.compress(b"one ") + gzip.compress(b"two ") + bytes(8)
    assert _read(Plain("gzip"), body, [11]) == b"one two "


def test_a_bomb_unfolds_in_small_pieces() -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    pieces = Plain("gzip").feed(bomb)
    assert all(len(next(pieces)) <= PIECE for _ in range(20))
