"""Text to tokens and back, from several threads at once."""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ai_pal.errors import Code, fail


class Tokens:
    """One tokenizer. The fast kind is only read from, without a lock and without holding the GIL."""

    def __init__(self, tokenizer: Any, vocabulary: int) -> None:
        self._tokenizer = tokenizer
        self._fast = tokenizer.backend_tokenizer if tokenizer.is_fast else None
        self.vocabulary = vocabulary
        self._lock = threading.Lock()
        self._behind = self._put_behind()

    def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        """Raises `AiPalError` (`model_invalid`) when the tokenizer is of another model."""
        ids = self._ids(text, add_special_tokens)
        if add_special_tokens and self._behind:
            del ids[-self._behind :]
        if max(ids, default=0) >= self.vocabulary:
            fail(
                Code.MODEL_INVALID,
                f"the tokenizer made token {max(ids)}, the model knows {self.vocabulary}",
                "tokenizer and weights do not belong together: fetch the model again",
            )
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Special tokens left out, spaces as they are."""
        if self._fast is not None:
            return str(self._fast.decode(list(ids), skip_special_tokens=True))
        with self._lock:
            return str(
                self._tokenizer.decode(
                    list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
                )
            )

    def showing(self, marks: Iterable[str]) -> Callable[[Sequence[int]], str]:
        """A `decode` that leaves these special tokens in."""
        added = self._tokenizer.get_added_vocab()
        shown = {added[mark]: mark for mark in marks if mark in added}

        def decode(ids: Sequence[int]) -> str:
            if shown.keys().isdisjoint(ids):
                return self.decode(ids)
            text, begin = "", 0
            for index, token in enumerate(ids):
                if token in shown:
                    text += (self.decode(ids[begin:index]) if index > begin else "") + shown[token]
                    begin = index + 1
            return text + (self.decode(ids[begin:]) if begin < len(ids) else "")

        return decode

    def _put_behind(self) -> int:
        """How many tokens the tokenizer puts behind a text: what is gone on with has no end yet."""
        plain, whole = self._ids("x", False), self._ids("x", True)
        ends = range(len(plain), len(whole))
        return next((len(whole) - end for end in ends if whole[end - len(plain) : end] == plain), 0)

    def _ids(self, text: str, add_special_tokens: bool) -> list[int]:
        if self._fast is not None:
            encoded = self._fast.encode_batch_fast([text], add_special_tokens=add_special_tokens)
            return list(encoded[0].ids)
        with self._lock:
            return list(self._tokenizer.encode(text, add_special_tokens=add_special_tokens))
