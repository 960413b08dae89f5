"""Files as attachments: what they become, and what is refused with the next step."""

import io
import tracemalloc
from pathlib import Path

import pytest

from ai_pal.attachments import reading
from ai_pal.attachments.reading import MOST_BYTES, MOST_TEXT, from_bytes, from_file, read_bounded
from ai_pal.conversations.model import Attachment
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.content import Audio, Document, Image
from ai_pal.transport.sockets import HARD_FRAME_LIMIT
from tests.pictures import png

PICTURE = png(3, 2)


def refused(data: bytes, name: str = "file") -> str:
    with pytest.raises(AiPalError) as caught:
        from_bytes(data, name)
    failure = caught.value.failure
    assert failure.code in (Code.BAD_REQUEST, Code.IMAGE_INVALID, Code.IMAGE_TOO_LARGE)
    assert failure.hint
    return f"{failure.message}; {failure.hint}"


def test_the_content_tells_what_it_is_and_not_the_name(tmp_path: Path) -> None:
    picture, text = tmp_path / "notes.txt", tmp_path / "picture.png"
    picture.write_bytes(PICTURE)
    text.write_text("Buy milk.")
    assert from_file(picture) == Attachment(
        "notes.txt", Image("image/png", PICTURE), "PNG image, 3 x 2, 1 kB"
    )
    assert from_file(text) == Attachment(
        "picture.png", Document("picture.png", "Buy milk."), "text, 9 characters"
    )
    assert from_bytes(b"fLaC\x00", "a").part == Audio("audio/flac", b"fLaC\x00")


def test_what_cannot_be_attached_is_named_with_what_can() -> None:
    assert "file is a ZIP archive, or an Office document" in refused(b"PK\x03\x04")
    assert "what can be: text, PDF, PNG" in refused(b"PK\x03\x04")
    assert "neither text (UTF-8 or UTF-16) nor" in refused(b"\x00\x01\x02\x03")
    assert "iconv" in refused("Grüße".encode("latin-1"))
    assert "file is empty" in refused(b"")


def test_a_picture_is_judged_by_its_header() -> None:
    assert "begins like a PNG image, and is none" in refused(PICTURE[:15])
    assert "has 40,000 x 40,000 pixels" in refused(png(40_000, 40_000, pixels=False))


def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "4,194,305 characters; at most 4,194,304" in refused(b"a" * (MOST_TEXT + 1))
    assert MOST_BYTES == HARD_FRAME_LIMIT
    monkeypatch.setattr(reading, "MOST_BYTES", 1 << 20)
    with pytest.raises(AiPalError, match="x is larger than 1 MiB"):
        read_bounded(io.BytesIO(bytes(2 << 20)), "x")
    with pytest.raises(AiPalError, match="zero is larger than 1 MiB"):
        from_file(Path("/dev/zero"))


@pytest.mark.parametrize("name", ["nowhere.txt", "a\x00b", "."])
def test_a_file_that_cannot_be_read_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AiPalError) as caught:
        from_file(Path(name))
    assert caught.value.code == Code.FILE_UNREADABLE
    assert repr(name) in caught.value.failure.message


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(1 << 40)
    tracemalloc.start()
    try:
        with pytest.raises(AiPalError, match="larger than 64 MiB"):
            from_file(large)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
