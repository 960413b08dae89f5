"""Pictures by Pillow, of kinds that decoders trip over, and broken ones."""

import io
from collections.abc import Iterator

from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")


def saved(picture: Image.Image, form: str, **options: object) -> bytes:
    written = io.BytesIO()
    picture.save(written, form, **options)
    return written.getvalue()


def plain(colour: str, form: str = "PNG", size: tuple[int, int] = (20, 16)) -> bytes:
    return saved(Image.new("RGB", size, colour), form)


def deep_grey(level: int) -> bytes:
    """16 bits a pixel."""
    return saved(Image.frombytes("I;16", (20, 16), level.to_bytes(2, "little") * 20 * 16), "PNG")


def four_inks() -> bytes:
    return saved(Image.new("CMYK", (20, 16), (0, 255, 255, 0)), "JPEG")


def see_through() -> bytes:
    """A palette with a colour that is transparent."""
    picture = Image.new("P", (20, 16), 1)
    picture.putpalette([0, 0, 255, 255, 0, 0])
    return saved(picture, "PNG", transparency=0)


def turned(form: str = "JPEG") -> bytes:
    """Its EXIF data say that it lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(Image.new("RGB", (20, 16), "red"), form, exif=exif)


def moving(form: str) -> bytes:
    """Red, then blue."""
    first, second = (Image.new("RGB", (20, 16), colour) for colour in ("red", "blue"))
    return saved(first, form, save_all=True, append_images=[second])


def cut_off() -> Iterator[tuple[str, bytes]]:
    """What is left of noise in each format, and its name."""
    noise = Image.effect_noise((64, 64), 90).convert("RGB")
    for form in FORMATS:
        data = saved(noise, form)
        for percent in (90, 50, 5):
            yield f"{percent} % of a {form}", data[: len(data) * percent // 100]
