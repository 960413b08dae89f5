"""Pictures and sound as APIs take them. Pure."""

import base64

from ai_pal.protocol.content import Audio, Image

_FORMATS = {"wav": "wav", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav", "mpeg": "mp3", "mp3": "mp3"}


def encoded(part: Image | Audio) -> str:
    """Its bytes in base64."""
    return base64.b64encode(part.data).decode()


def data_uri(image: Image) -> str:
    """A picture as an address of its own."""
    return f"data:{image.media_type};base64,{encoded(image)}"


def audio_format(audio: Audio) -> str:
    """OpenAI's name for a kind of sound; one that it does not take keeps its own."""
    kind = audio.media_type.rpartition("/")[2].lower()
    return _FORMATS.get(kind, kind)
