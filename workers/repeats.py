"""Notices that an answer says the same over and over: small models can do so until their limit. Pure."""

from collections import deque

from ai_pal.protocol.content import FinishReason

GRAM = 16
"""Bytes of UTF-8 that have to come once more in the same order: words come again all the time, lines seldom.
Not characters: a Chinese one says as much as several Latin ones."""
SPAN = 512
"""Bytes of repetition before an answer is given up."""
DIGITS_SPAN = 3 * SPAN
"""The same where only numbers change, as they do in a list or a table that may be meant."""
SHARE = 0.95
FOLDED = bytes.maketrans(b"123456789", b"0" * 9)


class _Watch:
    """Of the last `span` bytes, how many end a run of `GRAM` that this answer has had before."""

    def __init__(self, span: int) -> None:
        self._tail = b""
        self._seen: set[bytes] = set()
        self._recent: deque[bool] = deque(maxlen=span)
        self._count = 0

    def feed(self, text: bytes) -> bool:
        """Take the next piece; True where it repeats."""
        known, recent = self._seen, self._recent
        whole = self._tail + text
        for end in range(len(self._tail) + 1, len(whole) + 1):
            gram = whole[max(0, end - GRAM) : end]
            is_known = gram in known
            known.add(gram)
            if len(recent) == recent.maxlen:
                self._count -= recent[0]
            recent.append(is_known)
            self._count += is_known
            if self._count >= SHARE * (recent.maxlen or 0):
                return True
        self._tail = whole[1 - GRAM :]
        return False


class Repeats:
    """One answer. What it remembers grows with the answer, which the model's window bounds. `ends` is what
    its end is called where it is stopped: a form that is not whole was cut off, whatever stopped it."""

    def __init__(self, ends: FinishReason = "stop") -> None:
        self.ends = ends
        self._plain, self._digits = _Watch(SPAN), _Watch(DIGITS_SPAN)

    def feed(self, text: str) -> bool:
        """Take the next piece; True once there is nothing new in the answer any more."""
        raw = text.encode("utf-8", "replace")  # half a surrogate pair may come alone
        return self._plain.feed(raw) or self._digits.feed(raw.translate(FOLDED))
