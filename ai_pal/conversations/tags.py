"""Names under which conversations are put together. No I/O."""

from collections.abc import Iterable

from ai_pal.conversations.neutral import neutral_line
from ai_pal.errors import Code, fail

LONGEST = 40
"""Characters of a tag."""

MOST = 20
"""Tags of a conversation."""

BETWEEN = "\n"
"""What stands between them where they are kept; no tag holds it."""


def tag_of(text: str) -> str:
    """A tag as it is kept: in small letters, without the `#` that many write. Raises `AiPalError`
    (`bad_request`)."""
    tag = neutral_line(" ".join(text.split())).lstrip("# ").lower()
    if not tag or len(tag) > LONGEST or "," in tag:
        hint = f"use up to {LONGEST} characters, and no comma"
        fail(Code.BAD_REQUEST, f"{text[:80]!r} can be no tag", hint)
    return tag


def tags_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Tags as they are kept, each once and in their order. Raises `AiPalError` (`bad_request`)."""
    tags = tuple(sorted({tag_of(text) for text in texts}))
    if len(tags) > MOST:
        fail(Code.BAD_REQUEST, f"these are {len(tags)} tags", f"a conversation has {MOST} at most")
    return tags


def joined(tags: Iterable[str]) -> str:
    """Tags as one text."""
    return BETWEEN.join(tags)


def parted(text: str) -> tuple[str, ...]:
    """The tags of such a text."""
    return tuple(text.split(BETWEEN)) if text else ()
