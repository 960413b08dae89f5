"""What clients of the simulation ask for beside text: vectors, ranks and counts, and pictures in frames."""

import random
import struct
from collections.abc import Sequence

from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.protocol.content import Image, Message, Text
from ai_pal.protocol.usage import Usage

Sums = wire.Embed | wire.Rerank | wire.CountTokens
Work = inner.EmbedTexts | inner.RerankTexts | inner.CountTokens
HEAD = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII5s", 13, b"IHDR", 9, 9, bytes(5))


def picture(ask: int, number: int) -> bytes:
    """The file that this ask has attached as its frame of this number."""
    return HEAD + f"{ask}.{number}".encode()


def parts(text: str, count: int) -> list[Text | Image]:
    """A message with so many pictures, the last one twice."""
    numbers = [*range(1, count + 1), count]
    return [Text(text), *(Image("image/png", frame=number) for number in numbers)]


def asked_for(dice: random.Random, request_id: int, model: str, deadline: float | None) -> Sums:
    """One request of these kinds."""
    texts = ["x" * dice.randint(1, 9) for _ in range(dice.randint(1, 4))]
    kind = dice.randrange(3)
    if kind == 0:
        return wire.Embed(request_id, [*texts], model, deadline=deadline)
    if kind == 1:
        return wire.Rerank(request_id, "which", texts, model, deadline=deadline)
    return wire.CountTokens(request_id, [Message("user", " ".join(texts))], model)


def result(work: Work) -> inner.FromWorker:
    """What a worker makes of it."""
    match work:
        case inner.EmbedTexts():
            return inner.Embedded(work.key, lengths(work.texts), 1, Usage(len(work.texts)))
        case inner.RerankTexts():
            return inner.Reranked(work.key, [float(len(text)) for text in work.texts])
        case inner.CountTokens():
            return inner.Counted(work.key, len(work.messages[0].text.split()))


def is_right(request: Sums, event: wire.Event) -> bool:
    """Whether this is what was asked for."""
    match request, event:
        case wire.Embed(), wire.Embedded():
            return event.vectors == lengths(request.texts)
        case wire.Rerank(), wire.Reranked():
            return event.scores == [float(len(text)) for text in request.texts]
        case wire.CountTokens(), wire.Counted():
            return event.tokens == len(request.messages[0].text.split())
    return False


def lengths(texts: Sequence[str | list[int]]) -> bytes:
    return struct.pack(f"<{len(texts)}f", *map(len, texts))
