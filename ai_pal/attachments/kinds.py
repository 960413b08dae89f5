"""What a file is, by its first bytes: names can be wrong. Pure."""

from typing import NamedTuple


class Kind(NamedTuple):
    """`name` is for people, `media_type` for programs; `use` is what can be made of it."""

    name: str
    media_type: str
    use: str


TEXT = Kind("text", "text/plain", "text")

_BEGINNINGS: tuple[tuple[bytes, Kind], ...] = (
    (b"\x89PNG\r\n\x1a\n", Kind("PNG", "image/png", "image")),
    (b"\xff\xd8\xff", Kind("JPEG", "image/jpeg", "image")),
    (b"GIF87a", Kind("GIF", "image/gif", "image")),
    (b"GIF89a", Kind("GIF", "image/gif", "image")),
    (b"fLaC", Kind("FLAC", "audio/flac", "audio")),
    (b"ID3", Kind("MP3", "audio/mpeg", "audio")),
    (b"PK\x03\x04", Kind("ZIP archive, or an Office document", "application/zip", "")),
    (b"\x1f\x8b", Kind("gzip archive", "application/gzip", "")),
    (b"7z\xbc\xaf\x27\x1c", Kind("7z archive", "application/x-7z-compressed", "")),
    (b"\x7fELF", Kind("program", "application/x-elf", "")),
    (b"GGUF", Kind("model (GGUF)", "application/octet-stream", "")),
    (b"SQLite format 3\x00", Kind("SQLite database", "application/vnd.sqlite3", "")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind("document of an old Office", "application/x-ole", "")),
    (b"II*\x00", Kind("TIFF image", "image/tiff", "")),
    (b"MM\x00*", Kind("TIFF image", "image/tiff", "")),
    (b"\x00\x00\x01\x00", Kind("icon", "image/x-icon", "")),
    (b"OggS", Kind("Ogg sound", "audio/ogg", "")),
)

_PDF = Kind("PDF", "application/pdf", "pdf")
_PDF_WITHIN = 1024
"""Readers take a PDF that begins this late."""

_RIFF = {
    b"WEBP": Kind("WebP", "image/webp", "image"),
    b"WAVE": Kind("WAV", "audio/wav", "audio"),
    b"AVI ": Kind("video", "video/x-msvideo", ""),
}
_BMP = Kind("BMP", "image/bmp", "image")
_MP3 = Kind("MP3", "audio/mpeg", "audio")

KNOWN = "text, PDF, PNG, JPEG, GIF, WebP and BMP images, WAV, MP3 and FLAC sound"
"""What can be attached."""


def kind_of(data: bytes) -> Kind | None:
    """What these bytes are; None where nothing tells it: text, or something that nobody here knows."""
    for beginning, kind in _BEGINNINGS:
        if data.startswith(beginning):
            return kind
    if data[:4] == b"RIFF" and data[8:12] in _RIFF:
        return _RIFF[data[8:12]]
    if data[:2] == b"BM" and data[6:10] == b"\x00\x00\x00\x00":
        return _BMP
    if data[4:8] == b"ftyp":
        return Kind("video, or a HEIC or AVIF image", "video/mp4", "")
    if len(data) > 2 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2:  # a frame of MPEG audio, layer III
        return _MP3
    if b"%PDF-" in data[:_PDF_WITHIN]:
        return _PDF
    return None
