"""From bytes to pictures: of every kind, broken ones, and those that claim to be far too large."""

import pytest

from ai_pal.errors import AiPalError
from tests import odd_pictures as odd
from tests.pictures import png
from workers.engines.transformers.prompts.pictures import decode

RED = (255, 0, 0)


@pytest.mark.parametrize(
    ("data", "colour"),
    [
        (odd.plain("red"), RED),
        (odd.four_inks(), RED),
        (odd.see_through(), RED),
        (odd.deep_grey(0x8000), (128, 128, 128)),
        (odd.moving("GIF"), RED),
        (odd.moving("PNG"), RED),
    ],
    ids=["plain", "CMYK", "palette", "16 bits", "moving GIF", "moving PNG"],
)
def test_every_kind_becomes_colours(data: bytes, colour: tuple[int, int, int]) -> None:
    picture = decode(data)
    assert (picture.mode, picture.size) == ("RGB", (20, 16))
    seen = picture.getpixel((3, 3))
    assert all(abs(one - other) <= 2 for one, other in zip(seen, colour, strict=True)), seen


def test_a_picture_stands_upright() -> None:
    assert decode(odd.turned()).size == (16, 20)


@pytest.mark.parametrize(("what", "data"), list(odd.cut_off()))
def test_what_is_cut_off_is_refused(what: str, data: bytes) -> None:
    with pytest.raises(AiPalError) as caught:
        decode(data)
    assert caught.value.code == "image_invalid", what


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"no picture at all", "image_invalid", "none of"),
        (b"", "image_invalid", "no bytes"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image_invalid", "none of"),
        (png(40_000, 40_000, pixels=False), "image_too_large", "40000 x 40000"),
    ],
)
def test_what_is_no_picture_or_far_too_large_is_refused_before_it_is_decoded(
    data: bytes, code: str, says: str
) -> None:
    with pytest.raises(AiPalError, match=says) as caught:
        decode(data)
    assert caught.value.code == code
