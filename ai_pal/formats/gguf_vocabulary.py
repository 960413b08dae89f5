"""The part of a GGUF file that says how a text becomes tokens, as it stands there."""

from pathlib import Path

import msgspec

from ai_pal.formats.gguf import VOCABULARY, opened
from ai_pal.formats.gguf_cursor import FARTHEST, Cursor

BEGINS, NAME = "tokenizer.", "general.name"
"""llama.cpp knows some vocabularies by the name of their model."""
TEMPLATE = "tokenizer.chat_template"


class Vocabulary(msgspec.Struct, frozen=True):
    """How many `tokens` there are, 0 where the file has no list of them, and the `entries` about them, chat
    templates among them: each its key and value as GGUF writes them."""

    tokens: int
    entries: list[bytes]


def read_vocabulary(path: Path) -> Vocabulary:
    """Raises `AiPalError` (`model_invalid`)."""
    with opened(path) as (data, _):
        cursor = Cursor(data)
        _, count = cursor.counts()
        tokens, entries = 0, []
        for _ in range(count):
            start = cursor.at
            key = cursor.text()
            value = cursor.value(cursor.unpack("<I")[0])
            if key == VOCABULARY:
                tokens = int(value)
            if key == NAME or key.startswith(BEGINS):
                entries.append(data[start : cursor.at])
        return Vocabulary(tokens, entries)


def read_chat_template(path: Path) -> str:
    """The chat template that stands in the file, "" for none. Raises `AiPalError` (`model_invalid`)."""
    return read_chat_templates(path).get("", "")


def read_chat_templates(path: Path, having: str = "") -> dict[str, str]:
    """The chat templates that stand in the file, by their names, "" for the usual one; none where nothing at
    its front is `having`, which is seen sooner. Raises `AiPalError` (`model_invalid`)."""
    found: dict[str, str] = {}
    with opened(path) as (data, _):
        if having and data.find(having.encode(), 0, FARTHEST) < 0:
            return found
        cursor = Cursor(data)
        for _ in range(cursor.counts()[1]):
            key = cursor.text()
            value = cursor.value(cursor.unpack("<I")[0])
            if key == TEMPLATE or key.startswith(f"{TEMPLATE}."):
                found[key.removeprefix(TEMPLATE).removeprefix(".")] = str(value)
    return found
