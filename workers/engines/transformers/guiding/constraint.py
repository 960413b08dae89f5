"""Holds an answer to a grammar: which tokens may come next, by llguidance, for one row of the batch."""

import threading
from collections import OrderedDict
from collections.abc import Collection
from typing import Any

import llguidance
import numpy as np
import torch

from ai_pal.errors import Code, fail
from workers.structured.verdict import first_line, refuse

REMEMBERED = 64
"""Compiled grammars that are kept: the same schema asked for again costs nothing."""


class Constraint:
    """The state of one answer. `take` each token that is part of it."""

    def __init__(self, matcher: Any, vocabulary: int) -> None:
        self._matcher = matcher
        self._vocabulary = vocabulary

    @property
    def complete(self) -> bool:
        """Nothing can follow."""
        return bool(self._matcher.is_stopped()) and not self._matcher.is_error()

    def forbid(self, logits: torch.Tensor) -> torch.Tensor:
        """The logits with those of impossible tokens at minus infinity. Raises `ValueError` when the grammar
        became too hard to follow."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        self._check()
        allowed = np.unpackbits(bits, bitorder="little", count=self._vocabulary).view(np.bool_)
        mask = torch.from_numpy(allowed).to(logits.device)
        return logits.masked_fill(~mask[: logits.shape[-1]], float("-inf"))

    def take(self, token: int) -> None:
        """Raises `ValueError` as `forbid`."""
        self._matcher.consume_token(token)
        self._check()

    def takes(self, tokens: list[int]) -> bool:
        """Go past all of `tokens`, or past none of them."""
        if self._matcher.validate_tokens(tokens) < len(tokens):
            return False
        return bool(self._matcher.consume_tokens(tokens))

    def _check(self) -> None:
        if self._matcher.is_error():
            raise ValueError(
                f"its grammar cannot be followed further: {first_line(self._matcher.get_error())}"
            )


class Compiler:
    """Grammars for one tokenizer, used from several threads. The tables over its vocabulary are made when
    the first one is asked for."""

    def __init__(self, tokenizer: Any, vocabulary: int, ends: Collection[int]) -> None:
        self._source, self._vocabulary, self._ends = tokenizer, vocabulary, sorted(ends)
        self._tokenizer: Any = None
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Any] = OrderedDict()

    @property
    def tokenizer(self) -> Any:
        """What llguidance knows of the vocabulary. Raises `AiPalError` (`unsupported`)."""
        with self._lock:
            if self._tokenizer is None:
                if not self._source.is_fast:
                    fail(
                        Code.UNSUPPORTED,
                        "this model's tokenizer cannot be used for grammars and probabilities",
                        "use a version of the model with tokenizer.json",
                    )
                # some have tokens that the model was never given: none of these can come
                count = self._source.backend_tokenizer.get_vocab_size(with_added_tokens=True)
                self._tokenizer = llguidance.LLTokenizer(
                    self._source.backend_tokenizer.to_str(),
                    n_vocab=max(self._vocabulary, count),
                    eos_token=self._ends,
                )
            return self._tokenizer

    def tokens_of(self, text: str) -> list[int]:
        """Tokens that make exactly these bytes, wherever they stand."""
        return list(self.tokenizer.tokenize_bytes(text.encode()))

    def bytes_of(self, token: int) -> bytes:
        return bytes(self.tokenizer.decode_bytes([token]))

    def rules(self, lark: str) -> Constraint:
        """An answer of this grammar, in llguidance's Lark. Raises `AiPalError` (`unsupported`) where it does
        not compile for this vocabulary."""
        with self._lock:
            matcher = self._kept.get(lark)
            if matcher is not None:
                self._kept.move_to_end(lark)
        if matcher is None:
            grammar = llguidance.LLMatcher.grammar_from_lark(lark)
            matcher = llguidance.LLMatcher(self.tokenizer, grammar, log_level=0)
            if matcher.is_error():
                refuse("", first_line(matcher.get_error()))
            with self._lock:
                self._kept[lark] = matcher
                if len(self._kept) > REMEMBERED:
                    self._kept.popitem(last=False)
        return Constraint(matcher.deep_copy(), self._vocabulary)
