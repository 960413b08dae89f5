"""The text of one open job in a worker: where it stands, and what of it waits to leave."""

from ai_pal.protocol.content import TokenLogprob
from ai_pal.protocol.worker import FromWorker, encode
from workers.engines.base import ANSWER, OpenPart
from workers.reading import PromptReading
from workers.repeats import Repeats
from workers.watching import Watching

Item = tuple[int, int, int, str] | tuple[int, int, int, str, str, int, str, str]
"""`(key, seq, n, text)`, and for other parts than plain text `(..., kind, index, call, name)`."""


class Stream:
    """One open job: where its text stands and what waits of it, of the part that grows now. Pieces of earlier
    parts that wait are in `earlier`, and runs of probabilities, each with where it begins."""

    __slots__ = (
        *("cancelled", "earlier", "part", "probabilities", "reading", "repeats", "repeats_itself"),
        *("seq", "takes_slot", "texts", "tokens", "watching"),
    )

    def __init__(self, repeats: Repeats | None, watching: Watching | None, takes_slot: bool) -> None:
        self.repeats, self.repeats_itself = repeats, False
        self.watching = watching
        self.takes_slot = takes_slot
        self.seq = 0
        self.tokens = 0
        self.part = ANSWER
        self.texts: list[str] = []
        self.earlier: list[Item] = []
        self.probabilities: list[tuple[int, list[TokenLogprob]]] = []
        self.cancelled = False
        self.reading: PromptReading | None = None

    def turn_to(self, key: int, part: OpenPart) -> None:
        """Another part grows from here on."""
        if self.texts:
            self.earlier.append(self.take(key))
        self.part = part

    def grow(self, text: str, n: int) -> bool:
        """Take the next piece of the part that grows; True where it is the last, since it repeats itself."""
        self.texts.append(text)
        self.tokens += n
        if self.watching is not None:
            self.watching.hear(self.part.kind, text)
        if self.repeats is not None and self.part.kind == "text" and self.repeats.feed(text):
            self.cancelled = self.repeats_itself = True
        return self.repeats_itself

    def add_probabilities(self, tokens: list[TokenLogprob]) -> None:
        """Of the last tokens; they join the run before where nothing lies between."""
        start = self.seq + self.tokens - len(tokens)
        if self.probabilities:
            first, run = self.probabilities[-1]
            if first + len(run) == start:
                run += tokens
                return
        self.probabilities.append((start, list(tokens)))

    def take(self, key: int) -> Item:
        """What waits of the part that grows now."""
        seq, n, text = self.seq, self.tokens, "".join(self.texts)
        self.seq, self.tokens, self.texts = seq + n, 0, []
        return (key, seq, n, text) if self.part is ANSWER else (key, seq, n, text, *self.part)


class _Batch(FromWorker, frozen=True, tag="deltas"):
    """The bytes of a `Deltas`, built straight from the items: one encoding instead of two."""

    items: list[Item]


def encoded(items: list[Item]) -> bytes:
    """Encode the items; lone surrogates, which no UTF-8 can carry, become replacement characters."""
    try:
        return encode(_Batch(items))
    except UnicodeEncodeError:
        whole = [(*item[:3], _whole(item[3]), *item[4:]) for item in items]
        return encode(_Batch(whole))


def _whole(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
