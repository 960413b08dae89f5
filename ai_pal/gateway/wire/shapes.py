"""How a body is built, seen before it is read: what reads JSON does it in one go, recursively, and nothing
else goes on meanwhile, not even in other threads. Pure."""

from collections.abc import Iterator

from ai_pal.gateway.wire.bodies import BodyError

MOST_DEPTH = 200
"""Lists and objects within each other: schemas of tools have ten or twenty."""

MOST_OBJECTS = 250_000
"""Lists and objects of a body: what is large in one is text, pictures too."""

MOST_VALUES = 1_500_000
"""Values of a body, and entries of objects: Ollama's `context` of the longest conversation has 1.4
million."""

STEP = 128 * 1024
"""Bytes that are looked at in one go."""

_OPENING, _CLOSING, _SEPARATING = b"[{", b"]}", b",:"
_OTHERS = bytes(set(range(256)) - {*_OPENING, *_CLOSING, *_SEPARATING, *b'"'})


def check_shape(body: bytes) -> None:
    """Raises `BodyError` for JSON that is nested too deeply, or made of so many parts that all of them would
    take seconds. Brackets and commas in texts count for nothing."""
    if len(body) <= STEP and _is_plain(body):
        return
    depth = objects = values = 0
    for marks in _marks(body):
        values += sum(map(marks.count, _SEPARATING))
        if values > MOST_VALUES:
            raise BodyError(f"the body has more than {MOST_VALUES:,} values, and is too large for a request")
        for mark in marks.translate(None, _SEPARATING):
            if mark in _CLOSING:
                depth -= 1
                if depth < 0:
                    return  # this is no JSON, as will be said
                continue
            depth, objects = depth + 1, objects + 1
            if depth > MOST_DEPTH:
                raise BodyError(f"the body is nested more than {MOST_DEPTH} deep")
            if objects > MOST_OBJECTS:
                what = f"the body has more than {MOST_OBJECTS:,} lists and objects"
                raise BodyError(f"{what}, and is too large for a request")


def _is_plain(body: bytes) -> bool:
    """Whether there are too few brackets for any depth, and too few bytes for too much of anything."""
    return sum(map(body.count, _OPENING)) <= MOST_DEPTH


def _marks(body: bytes) -> Iterator[bytes]:
    """What builds it, a piece at a time: all of it but what stands between quotes."""
    within, at = False, 0
    while at < len(body):
        piece, end = body[at : at + STEP], at + STEP
        if (len(piece) - len(piece.rstrip(b"\\"))) % 2:  # what is escaped goes with its backslash
            piece, end = body[at : end + 1], end + 1
        marks = piece.replace(rb"\\", b"").replace(rb"\"", b"")
        texts = marks.translate(None, _OTHERS).split(b'"')
        yield b"".join(texts[within::2])
        within, at = within == (len(texts) % 2 == 1), end
