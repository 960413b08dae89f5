"""Files, standard input and the clipboard as attachments: bounded while they are read, then told apart."""

import os
from pathlib import Path
from typing import BinaryIO, NoReturn

from ai_pal.attachments.kinds import KNOWN, TEXT, Kind, kind_of
from ai_pal.attachments.texts import text_of
from ai_pal.conversations.model import Attachment
from ai_pal.counted import counted
from ai_pal.errors import Code, fail
from ai_pal.protocol.content import Audio, Document, Image
from ai_pal.protocol.pictures import MOST_PIXELS, NoPictureError, look_at

MOST_BYTES = 64 * 1024 * 1024
"""Of a file: what one frame of the protocol can carry."""
MOST_TEXT = 4 * 1024 * 1024
"""Characters of a text: a request with all that was said before has 8 MiB."""


def from_file(path: Path) -> Attachment:
    """A file of this disk. Raises `AiPalError` (`file_unreadable`, `bad_request`)."""
    try:
        with open(path, "rb") as file:
            _check_size(os.fstat(file.fileno()).st_size, path.name)
            data = read_bounded(file, path.name)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        fail(Code.FILE_UNREADABLE, f"{str(path)!r} cannot be attached: {said}", "check its name")
    return from_bytes(data, path.name)


def read_bounded(stream: BinaryIO, name: str) -> bytes:
    """All of a stream. Raises `AiPalError` (`bad_request`) where it does not end in time."""
    data = stream.read(MOST_BYTES + 1)
    _check_size(len(data), name)
    return data


def _check_size(size: int, name: str) -> None:
    if size > MOST_BYTES:
        _refuse(f"{name} is larger than {MOST_BYTES // 1024**2} MiB", "attach the part that matters")


def from_bytes(data: bytes, name: str) -> Attachment:
    """What these bytes are, as part of a message. Raises `AiPalError` (`bad_request`)."""
    if not data:
        _refuse(f"{name} is empty", "attach a file that holds something")
    kind = kind_of(data)
    if kind is None:
        return _text(data, name)
    if kind.use == "image":
        return _image(data, name, kind)
    if kind.use == "audio":
        about = f"{kind.name} sound, {_bytes(len(data))}"
        return Attachment(name, Audio(kind.media_type, data), about)
    if kind.use != "pdf":
        _refuse(f"{name} is a {kind.name}, which cannot be attached", f"what can be: {KNOWN}")
    return _pdf(data, name)


def _text(data: bytes, name: str) -> Attachment:
    text = text_of(data)
    if text is None:
        hint = f"what can be attached: {KNOWN}; text in another encoding: iconv -f latin1 -t utf-8"
        _refuse(f"{name} is neither text (UTF-8 or UTF-16) nor a file of a known kind", hint)
    return _document(text, name, TEXT.name)


def _pdf(data: bytes, name: str) -> Attachment:
    from ai_pal.attachments.pdf import pages_of

    found = pages_of(data, name)
    return _document(found.text, name, f"PDF, {counted(found.pages, 'page')}")


def _document(text: str, name: str, about: str) -> Attachment:
    if len(text) > MOST_TEXT:
        _refuse(
            f"{name} holds {len(text):,} characters; at most {MOST_TEXT:,} can be attached",
            "attach the part that matters",
        )
    return Attachment(name, Document(name, text), f"{about}, {counted(len(text), 'character')}")


def _image(data: bytes, name: str, kind: Kind) -> Attachment:
    try:
        picture = look_at(data)
    except NoPictureError as error:
        message = f"{name} begins like a {kind.name} image, and is none: {error}"
        fail(Code.IMAGE_INVALID, message, "open it elsewhere and save it anew")
    if picture.width * picture.height > MOST_PIXELS:
        size = f"{picture.width:,} x {picture.height:,} pixels"
        hint = "make it smaller first, for example: convert IN -resize 2000x2000 OUT"
        fail(Code.IMAGE_TOO_LARGE, f"{name} has {size}, too many to be decoded", hint)
    about = f"{kind.name} image, {picture.width} x {picture.height}, {_bytes(len(data))}"
    return Attachment(name, Image(kind.media_type, data), about)


def _bytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(count // 1000, 1)} kB"


def _refuse(message: str, hint: str) -> NoReturn:
    fail(Code.BAD_REQUEST, message, hint)
