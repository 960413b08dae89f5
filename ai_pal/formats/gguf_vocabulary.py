"""The part of a GGUF file that says how a text becomes tokens, as it stands there."""

from pathlib import Path

import msgspec

from ai_pal.formats.gguf import VOCABULARY, opened
from ai_pal.formats.gguf_cursor import FARTHEST, TEXT, Cursor

BEGINS, NAME = "tokenizer.", "general.name"
"""llama.cpp knows some vocabularies by the name of their model."""
TEMPLATE = "tokenizer.chat_template"
LENGTH, LONGEST_KEY = 8, 128
"""Bytes: of the number before a text, and of a key."""


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


def read_chat_templates(path: Path) -> dict[str, str]:
    """The chat templates that stand in the file, by their names, "" for the usual one. Searches for their
    keys: the lists before them have no index. Raises `AiPalError` (`model_invalid`)."""
    found: dict[str, str] = {}
    with opened(path) as (data, _):
        at = data.find(TEMPLATE.encode(), 0, FARTHEST)
        while at >= 0:
            behind, cursor = at + 1, Cursor(data, at - LENGTH)
            if cursor.unpack("<Q")[0] <= LONGEST_KEY:
                cursor = Cursor(data, at - LENGTH)
                key = cursor.text()
                if (key == TEMPLATE or key.startswith(f"{TEMPLATE}.")) and cursor.unpack("<I")[0] == TEXT:
                    found[key.removeprefix(TEMPLATE).removeprefix(".")] = cursor.text()
                    behind = cursor.at
            at = data.find(TEMPLATE.encode(), behind, FARTHEST)
    return found
