"""Sizes of pictures, out of their headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.attachments.images import size_of
from tests.unit.attachments.pictures import bmp, gif, jpeg, png, webp

FORMS = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"]


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (png(640, 480, pixels=False), "image/png"),
        (jpeg(640, 480), "image/jpeg"),
        (gif(640, 480), "image/gif"),
        (bmp(640, 480), "image/bmp"),
        (bmp(640, -480), "image/bmp"),  # from top to bottom
        (webp(640, 480, b"VP8X"), "image/webp"),
        (webp(640, 480, b"VP8L"), "image/webp"),
        (webp(640, 480, b"VP8 "), "image/webp"),
    ],
)
def test_a_header_tells_the_size(data: bytes, media_type: str) -> None:
    assert size_of(data, media_type) == (640, 480)


@pytest.mark.parametrize("media_type", FORMS)
def test_a_header_that_is_none_tells_nothing(media_type: str) -> None:
    for data in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\x00\x00\xff\xff"):
        assert size_of(data, media_type) is None


def test_no_picture_is_empty() -> None:
    assert size_of(png(0, 5, pixels=False), "image/png") is None


@given(st.binary(max_size=200), st.sampled_from(FORMS))
def test_no_bytes_break_it(data: bytes, media_type: str) -> None:
    size_of(data, media_type)
