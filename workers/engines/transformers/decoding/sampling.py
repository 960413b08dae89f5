"""Chooses the next token of each answer from its logits, with the library's own rules."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from workers.engines.transformers.loading.defaults import Defaults
from workers.engines.transformers.options import Sampling

TEMPERATURE, TOP_P = 0.7, 0.95
"""For models that do not say how they want to be sampled."""
UNUSABLE = 'its weights may be damaged, or too large for their format: try dtype = "float32"'
"""What to do where a model computes no numbers."""


class Sampler:
    """Chooses for one answer. Takes the likeliest token at temperature 0, as `model.generate` does."""

    def __init__(self, asked: Sampling, defaults: Defaults) -> None:
        says = bool(defaults.do_sample)
        temperature = _first(asked.temperature, defaults.temperature if says else None, TEMPERATURE)
        top_p = _first(asked.top_p, defaults.top_p if says else None, TOP_P)
        top_k = _first(asked.top_k, defaults.top_k if says else None, 0)
        min_p = _first(asked.min_p, defaults.min_p if says else None, 0.0)
        penalty = _first(asked.repeat_penalty, defaults.repetition_penalty, 1.0)
        self.greedy = temperature == 0
        self._bias = asked.logit_bias
        self._presence, self._frequency = asked.presence_penalty or 0.0, asked.frequency_penalty or 0.0
        self._rules = LogitsProcessorList()
        if penalty != 1.0:
            self._rules.append(RepetitionPenaltyLogitsProcessor(float(penalty)))
        self.plain = self.greedy and not (self._rules or self._bias or self._presence or self._frequency)
        if not self.greedy:
            self._rules.append(TemperatureLogitsWarper(float(temperature)))
            if top_k > 0:
                self._rules.append(TopKLogitsWarper(top_k))
            if top_p < 1:
                self._rules.append(TopPLogitsWarper(float(top_p)))
            if min_p:
                self._rules.append(MinPLogitsWarper(float(min_p)))
        self._random = torch.Generator()
        if asked.seed is None:
            self._random.seed()
        else:
            self._random.manual_seed(asked.seed % (1 << 63))

    def choose(self, logits: torch.Tensor, tokens: Sequence[int], begin: int = 0) -> int:
        """The next token after `tokens`, of which the answer begins at `begin`."""
        if self.plain:
            return int(logits.argmax())
        logits = self._shifted(logits, tokens[begin:])
        scores = self._rules(torch.tensor([tokens], device=logits.device), logits[None])[0]
        if self.greedy:
            return int(scores.argmax())
        try:
            return int(torch.multinomial(scores.softmax(-1).cpu(), 1, generator=self._random))
        except RuntimeError:  # so small a temperature that the scores are beyond all numbers
            return int(logits.argmax())

    def _shifted(self, logits: torch.Tensor, answer: Sequence[int]) -> torch.Tensor:
        """With biases, and penalties for what the answer has said."""
        shifts = dict(self._bias)
        if self._presence or self._frequency:
            for token, times in Counter(answer).items():
                shifts[token] = shifts.get(token, 0.0) - self._presence - self._frequency * times
        if not shifts:
            return logits
        places = torch.tensor(list(shifts), device=logits.device)
        amounts = torch.tensor(list(shifts.values()), device=logits.device, dtype=logits.dtype)
        return logits.index_add(0, places, amounts)


class Probable(NamedTuple):
    """The most probable tokens at one place, and how probable the chosen one was: natural logarithms."""

    chosen: float
    tokens: list[int]
    logprobs: list[float]


def probabilities(logits: torch.Tensor, chosen: int, most: int) -> Probable:
    """What the model itself thought, before any rule of sampling."""
    every = logits.float().log_softmax(-1)
    best = every.topk(min(most, len(every)))
    return Probable(float(every[chosen]), best.indices.tolist(), best.values.tolist())


class Seen(NamedTuple):
    """How unsure the model was at one place, in nats, and the logarithm of the sum over all tokens: a token's
    logit less that is the logarithm of its probability."""

    entropy: float
    total: float


def seen(logits: torch.Tensor) -> list[Seen]:
    """Of each row, all at once, before any rule of sampling."""
    totals = logits.logsumexp(-1)
    entropies = torch.special.entr((logits - totals[:, None]).exp_()).sum(-1)
    return [Seen(*row) for row in zip(entropies.tolist(), totals.tolist(), strict=True)]


def likeliest(logits: torch.Tensor) -> list[int | None]:
    """For each row the token with the highest logit; None where the row holds no usable number."""
    best, tokens = logits.max(dim=-1)
    usable = best.isfinite().tolist()
    return [token if good else None for token, good in zip(tokens.tolist(), usable, strict=True)]


def _first(*values: Any) -> Any:
    return next(value for value in values if value is not None)
