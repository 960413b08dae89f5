"""What the echo engine says: the last words of the user, or of a tool, over and over. Pure."""

from collections.abc import Iterator, Sequence
from itertools import chain, cycle, islice

from ai_pal.protocol.content import Audio, FinishReason, Image, Message
from ai_pal.protocol.worker import Generate


def reference(messages: list[Message], tokens: int) -> list[str]:
    """The pieces of an answer of `tokens` tokens."""
    words = pieces(messages)
    return [words[index % len(words)] for index in range(tokens)]


def pieces(messages: list[Message]) -> list[str]:
    """One round of the answer: each word with one space behind it."""
    said = next((one.text for one in reversed(messages) if one.role in ("user", "tool")), "")
    return [word + " " for word in said.split()] or [" "]


class WordCounter:
    """A token of this engine is a word; it has no template. `fixed` are those of tools."""

    per_message = 0

    def __init__(self, fixed: int = 0) -> None:
        self.fixed = fixed

    def content(self, text: str) -> int:
        return len(text.split())

    def attachment(self, part: Image | Audio) -> int:
        raise NotImplementedError("attachments are spelled out before they are counted")

    def conversation(self, messages: Sequence[Message]) -> int:
        return self.fixed + sum(self.content(message.text) for message in messages)


class Script:
    """The whole answer to one request, known beforehand; `tokens` defaults to one round."""

    def __init__(self, request: Generate, tokens: int | None, padding: int) -> None:
        options = request.options
        self._pieces = pieces(request.messages)
        self._total = len(self._pieces) if tokens is None else tokens
        self._rest = self.stop = ""
        self.finish_reason: FinishReason = "stop"
        if options.max_tokens is not None and options.max_tokens < self._total:
            self._total, self.finish_reason = max(options.max_tokens, 0), "length"
        for stop in filter(None, options.stop):
            self._end_before(stop)
        if padding:
            self._pieces = [piece + "." * padding for piece in self._pieces]

    def texts(self) -> Iterator[str]:
        """Those of all tokens, from the first."""
        return chain(islice(cycle(self._pieces), self._total), filter(None, [self._rest]))

    def _end_before(self, stop: str) -> None:
        """Where the endless text first holds `stop`, end just before it."""
        round_ = "".join(self._pieces)
        at = (round_ * (2 + len(stop) // len(round_))).find(stop)
        if at < 0:
            return
        count, length = 0, 0
        while length + len(piece := self._pieces[count % len(self._pieces)]) <= at:
            count, length = count + 1, length + len(piece)
        if count < self._total:
            self._total, self._rest, self.finish_reason = count, piece[: at - length], "stop"
            self.stop = stop
