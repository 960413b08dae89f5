"""What the first bytes of a sound say: its format. Pure."""

from typing import Literal

SoundFormat = Literal["wav", "mp3", "flac"]

FORMATS = "WAV, MP3 and FLAC"


def format_of(data: bytes | bytearray | memoryview) -> SoundFormat | None:
    """None where it is no sound of a format that is known here."""
    head = bytes(memoryview(data)[:12])
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"fLaC":
        return "flac"
    is_frame = len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2  # of MPEG audio, layer III
    return "mp3" if is_frame or head[:3] == b"ID3" else None
