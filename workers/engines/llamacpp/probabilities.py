"""How probable the tokens of an answer of llama.cpp were, and how unsure the model was of them. Pure."""

import itertools
from collections.abc import Sequence
from typing import Any

from ai_pal.protocol.content import Alternative, TokenLogprob
from workers.engines.uncertainty import LIKELIEST, entropy


class Probabilities:
    """Tokens have numbers, from 1. `alternatives` is how many likely tokens are told beside each; None where
    nobody has asked for probabilities. With `watch` entropies are told as well."""

    def __init__(self, alternatives: int | None = 0, *, watch: bool = False) -> None:
        self._alternatives = alternatives or 0
        self._is_watched, self._tells_probable = watch, alternatives is not None or not watch
        self._probable: list[tuple[int, TokenLogprob]] = []
        self._seen: list[tuple[int, float, float]] = []
        """Of tokens that are not told yet: their number, entropy and logprob."""

    def take(self, logprobs: dict[str, Any] | None, last: int) -> bool:
        """What a chunk says of its tokens, the last of which has this number. False: a probability is no
        number, so the weights gave none."""
        tokens = (logprobs or {}).get("content") or []
        numbers = itertools.count(last - len(tokens) + 1)
        numbered = list(zip(numbers, tokens, strict=False))
        if self._is_watched:
            self._see(numbered)
        if not self._tells_probable:
            return True
        if any(one["logprob"] is None for one in tokens):  # NaN has no name in JSON
            return False
        self._probable += [(number, token_of(one, self._alternatives)) for number, one in numbered]
        return True

    def watched(self, last: int) -> tuple[Sequence[float], Sequence[float]]:
        """The entropies and logprobs of tokens up to this one, each given once: what is behind a stop text is
        never told."""
        if not self._seen:
            return (), ()
        seen = [one for one in self._seen if one[0] <= last]
        self._seen = self._seen[len(seen) :]
        return [one[1] for one in seen], [one[2] for one in seen]

    def of_last(self, last: int) -> list[TokenLogprob]:
        """The last tokens up to this one as far as they follow each other; what came before is dropped."""
        run = [one for back, one in enumerate(reversed(self._probable)) if one[0] == last - back]
        self._probable.clear()
        return [token for _, token in reversed(run)]

    def _see(self, tokens: Sequence[tuple[int, dict[str, Any]]]) -> None:
        for number, one in tokens:
            top = [each["logprob"] for each in one.get("top_logprobs", ())[:LIKELIEST]]
            if one["logprob"] is not None and None not in top:
                self._seen.append((number, entropy(top), one["logprob"]))


def token_of(said: dict[str, Any], alternatives: int) -> TokenLogprob:
    """A token with its probability, as the server tells it."""
    top = [
        Alternative(bytes(one["bytes"]), one["logprob"], one.get("id", -1))
        for one in said.get("top_logprobs", ())[:alternatives]
    ]
    return TokenLogprob(bytes(said["bytes"]), said["logprob"], said.get("id", -1), top)
