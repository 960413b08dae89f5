"""Speculation: tokens that are guessed cheaply and then checked together, so that the text stays the same.

A model's option names what guesses: `ngram` takes what was said before, `mtp` layers of the model's own that
were trained to see further ahead (multi-token prediction), a file a smaller model (a draft)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ai_pal.errors import Code, fail
from ai_pal.formats.gguf import check_whole, pooling_of, read_header, read_layout
from ai_pal.formats.gguf_vocabulary import read_vocabulary

OPTION = "speculate"
"""What it is called among the options of a model."""
AUTO, OFF, NGRAM, MTP = "auto", "off", "ngram", "mtp"
KINDS = (AUTO, OFF, NGRAM, MTP)
"""What is no draft."""
OTHER = "name a smaller model of the same family, ngram, or off"
AHEAD = ".nextn."
"""In the names of tensors that are for `mtp`."""
MOST_MORE = 128
"""Tokens that llama.cpp lets one vocabulary have beyond the other: some models pad theirs."""
LIST, MODEL = b"tokenizer.ggml.tokens", b"tokenizer.ggml.model"
ENDS = (b"bos_token_id", b"eos_token_id", b"add_bos_token", b"add_eos_token")
"""Entries that llama.cpp compares."""
HEAD = 4 + 4 + 8
"""Bytes of a list before its first text: its kind, that of its members, how many they are."""


def named(options: Mapping[str, Any]) -> str:
    """The draft among these options, "" for none."""
    value = options.get(OPTION, "")
    return value if isinstance(value, str) and value not in KINDS else ""


def looks_ahead(model: Path) -> bool:
    """Whether the file has layers for `mtp`. Raises `AiPalError` (`model_invalid`)."""
    return any(AHEAD in tensor.name for tensor in read_layout(model).tensors)


def check(model: Path, draft: Path) -> None:
    """Raises `AiPalError` (`model_invalid`) for a draft that cannot guess for this model."""
    if not draft.is_absolute():
        _refuse(f"the draft {draft} is a relative path", "give the absolute path of the draft, or its name")
    if not draft.is_file():
        _refuse(f"there is no draft model {draft}", "correct speculate, or leave it out")
    header = read_header(draft)
    check_whole(draft)
    if pooling_of(header):
        _refuse(f"{draft} writes nothing ({header.architecture}): it cannot guess what comes next", OTHER)
    if header.recurrent:
        _refuse(f"{draft} has a state that cannot go back ({header.architecture}): it cannot guess", OTHER)
    if why := _difference(_entries(model), _entries(draft)):
        _refuse(f"{draft} has another vocabulary than {model}: {why}", OTHER)


def _entries(path: Path) -> dict[bytes, bytes]:
    """What the file says of its tokens, by key."""
    found = {}
    for entry in read_vocabulary(path).entries:
        length = 8 + int.from_bytes(entry[:8], "little")
        found[entry[8:length]] = entry[length:]
    return found


def _difference(one: dict[bytes, bytes], other: dict[bytes, bytes]) -> str:
    """Why tokens of the one are not those of the other, "" where they are."""
    if one.get(MODEL) != other.get(MODEL):
        return "it is of another kind"
    mine, its = one.get(LIST, b""), other.get(LIST, b"")
    counts = [int.from_bytes(texts[8:HEAD], "little") for texts in (mine, its)]
    if abs(counts[0] - counts[1]) > MOST_MORE:
        return f"{counts[1]} tokens, not {counts[0]}"
    shared = min(len(mine), len(its))
    if mine[HEAD:shared] != its[HEAD:shared]:
        return "its tokens have other texts"
    for name in ENDS:
        key = b"tokenizer.ggml." + name
        if key in one and key in other and one[key] != other[key]:
            return f"another {name.decode()}"
    return ""


def _refuse(message: str, hint: str) -> None:
    fail(Code.MODEL_INVALID, message, hint)
