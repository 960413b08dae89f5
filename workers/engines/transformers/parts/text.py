"""Tokens to text, piece by piece: never half a character, never one lost, stop strings found. Pure."""

from collections.abc import Callable, Sequence

UNFINISHED = "\ufffd"
"""What decoders put for bytes that are no character, or not yet."""
LONGEST_WINDOW = 24


class Detokenizer:
    """Decodes a growing list of tokens. `decode` must keep spaces as they are and skip special tokens.

    Only a window of recent tokens is decoded each time. It always begins with text that is out already,
    since some decoders drop a space at the very beginning.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._window: list[int] = []
        self._sent = ""
        self._whole_at = 0
        """So many tokens of the window ended in a whole character."""

    def push(self, token: int) -> str:
        """The text that has become certain with this token."""
        self._window.append(token)
        text = self._decode(self._window)
        if not text.startswith(self._sent):
            text = self._restart(text)
        certain = text.rstrip(UNFINISHED)
        if len(certain) <= len(self._sent):
            return ""
        new = certain[len(self._sent) :]
        self._sent = certain
        if len(certain) == len(text):
            self._move()
        return new

    def end(self) -> str:
        """What is left: bytes that never became a character."""
        return self._decode(self._window)[len(self._sent) :]

    def _move(self) -> None:
        """Let the window begin at the last place with a whole character, once it has grown long."""
        window = self._window
        if len(window) > LONGEST_WINDOW and self._whole_at:
            kept = window[self._whole_at :]
            text = self._decode(kept)
            if text.strip() and self._sent.endswith(text):
                self._window, self._sent = kept, text
        self._whole_at = len(self._window)

    def _restart(self, text: str) -> str:
        """The decoder took back what is out: a run of byte tokens turned out to be no text as a whole.

        What is out stays; the new token alone goes on from there.
        """
        self._window = self._window[-1:]
        self._sent = ""
        self._whole_at = 0
        return self._decode(self._window)


class Stops:
    """Holds back text that may be the beginning of a stop string."""

    def __init__(self, strings: Sequence[str]) -> None:
        self._strings = [string for string in strings if string]
        self._held = ""
        self.found = ""
        """The one that came."""

    def push(self, text: str) -> str:
        """The text that may go out; after `found` there is none."""
        if not self._strings or self.found:
            return "" if self.found else text
        text = self._held + text
        places = [(place, string) for string in self._strings if (place := text.find(string)) >= 0]
        if places:
            place, self.found = min(places)
            self._held = ""
            return text[:place]
        keep = max(_overlap(text, string) for string in self._strings)
        cut = len(text) - keep
        self._held = text[cut:]
        return text[:cut]

    def end(self) -> str:
        """What was held back for nothing."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """The length of the longest beginning of `stop` with which `text` ends, `stop` itself aside."""
    lengths = range(min(len(stop) - 1, len(text)), 0, -1)
    return next((length for length in lengths if text.endswith(stop[:length])), 0)
