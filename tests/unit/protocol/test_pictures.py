"""The size of a picture, from its first bytes."""

import functools
import io
import random
from collections.abc import Callable

import pytest

from ai_pal.protocol.pictures import NoPictureError, Picture, look_at
from tests.pictures import bmp, gif, jpeg, png, webp

Make = Callable[[int, int], bytes]
HEAD = functools.partial(png, pixels=False)
MADE: list[tuple[str, Make]] = [
    ("png", HEAD),
    ("jpeg", jpeg),
    ("gif", gif),
    ("bmp", bmp),
    ("bmp", lambda width, height: bmp(width, -height)),  # from top to bottom
    *(("webp", functools.partial(webp, form=form)) for form in (b"VP8X", b"VP8L", b"VP8 ")),
]


@pytest.mark.parametrize(("name", "make"), MADE)
@pytest.mark.parametrize("size", [(1, 1), (640, 480), (3, 16_383)])
def test_the_size_is_read(name: str, make: Make, size: tuple[int, int]) -> None:
    assert look_at(make(*size)) == Picture(f"image/{name}", *size)


@pytest.mark.parametrize("size", [(17, 9), (300, 1)])
@pytest.mark.parametrize(
    ("form", "how"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("GIF", {}),
        ("BMP", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\x00\x00"}),
    ],
    ids=str,
)
def test_it_is_the_size_that_pillow_finds(form: str, how: dict[str, object], size: tuple[int, int]) -> None:
    image = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    image.new("RGB", size, "red").save(file, form, **how)
    assert look_at(file.getvalue()) == Picture(f"image/{form.lower()}", *size)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no bytes"),
        (b"hello", "none of PNG"),
        (b"data:image/png;base64,iVBO", "base64"),
        (b"/9j/4AAQSkZJRg", "base64"),
        (HEAD(3, 2)[:20], "cut off"),
        (jpeg(3, 2)[:20], "cut off"),
        (b"\xff\xd8\xff\xd9", "tells no size"),
        (b"\xff\xd8\xff\xe0\x00\x02junk", "broken"),
        (HEAD(0, 5), "no pixels"),
        (gif(5, 0), "no pixels"),
    ],
)
def test_what_is_no_picture_says_why(data: bytes, says: str) -> None:
    with pytest.raises(NoPictureError, match=says):
        look_at(data)


def test_broken_pictures_end_in_a_refusal_only() -> None:
    dice = random.Random(12)
    for _ in range(3000):
        data = bytearray(dice.choice(MADE)[1](dice.randrange(1, 9999), dice.randrange(1, 9999)))
        for _ in range(dice.randrange(4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            look_at(data[: dice.randrange(len(data) + 1)])
        except NoPictureError:
            continue
