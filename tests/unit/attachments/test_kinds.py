"""What a file is, by what it holds."""

import pytest

from ai_pal.attachments.kinds import kind_of


@pytest.mark.parametrize(
    ("data", "name", "use"),
    [
        (b"\x89PNG\r\n\x1a\n....", "PNG", "image"),
        (b"\xff\xd8\xff\xe0....", "JPEG", "image"),
        (b"GIF89a....", "GIF", "image"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "WebP", "image"),
        (b"BM\x46\x00\x00\x00\x00\x00\x00\x00\x36", "BMP", "image"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "WAV", "audio"),
        (b"ID3\x04", "MP3", "audio"),
        (b"\xff\xfb\x90\x00", "MP3", "audio"),
        (b"fLaC\x00", "FLAC", "audio"),
        (b"%PDF-1.7\n", "PDF", "pdf"),
        (b"\n\n  %PDF-1.7\n", "PDF", "pdf"),
        (b"PK\x03\x04....", "ZIP archive, or an Office document", ""),
        (b"\x00\x00\x00\x20ftypheic", "video, or a HEIC or AVIF image", ""),
        (b"\x7fELF\x02", "program", ""),
    ],
)
def test_a_kind_is_told_by_its_beginning(data: bytes, name: str, use: str) -> None:
    kind = kind_of(data)
    assert kind is not None
    assert (kind.name, kind.use) == (name, use)


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"BMW is a car", b"\xff\xfeh\x00i\x00", b"\xfe\xff\x00h", b"RIFFRAFF", b"<svg/>"]
)
def test_what_may_be_text_has_none(data: bytes) -> None:
    assert kind_of(data) is None
