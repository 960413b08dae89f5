"""Chooses the next token of each answer from its logits, with the library's own rules."""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from workers.engines.transformers.options import Sampling

TEMPERATURE, TOP_P = 0.7, 0.95
"""For models that do not say how they want to be sampled."""


class Sampler:
    """Chooses for one answer. Takes the likeliest token at temperature 0, as `model.generate` does."""

    def __init__(self, asked: Sampling, defaults: Any) -> None:
        """`defaults` is the model's own generation config."""
        says = bool(defaults.do_sample)
        temperature = _first(asked.temperature, defaults.temperature if says else None, TEMPERATURE)
        top_p = _first(asked.top_p, defaults.top_p if says else None, TOP_P)
        top_k = _first(asked.top_k, defaults.top_k if says else None, 0)
        penalty = _first(asked.repetition_penalty, defaults.repetition_penalty, 1.0)
        self.greedy = temperature == 0
        self._rules = LogitsProcessorList()
        if penalty != 1.0:
            self._rules.append(RepetitionPenaltyLogitsProcessor(float(penalty)))
        self.plain = self.greedy and not self._rules
        if not self.greedy:
            self._rules.append(TemperatureLogitsWarper(float(temperature)))
            if top_k:
                self._rules.append(TopKLogitsWarper(top_k))
            if top_p < 1:
                self._rules.append(TopPLogitsWarper(float(top_p)))
        self._random = torch.Generator()
        if asked.seed is None:
            self._random.seed()
        else:
            self._random.manual_seed(asked.seed % (1 << 63))

    def choose(self, logits: torch.Tensor, tokens: Sequence[int]) -> int:
        """The next token after `tokens`."""
        scores = self._rules(torch.tensor([tokens], device=logits.device), logits[None])[0]
        if self.greedy:
            return int(scores.argmax())
        chances = scores.softmax(-1).cpu()
        return int(torch.multinomial(chances, 1, generator=self._random))


def likeliest(logits: torch.Tensor) -> list[int | None]:
    """For each row the token with the highest logit; None where the row holds no usable number."""
    best, tokens = logits.max(dim=-1)
    usable = best.isfinite().tolist()
    return [token if good else None for token, good in zip(tokens.tolist(), usable, strict=True)]


def _first(*values: Any) -> Any:
    return next(value for value in values if value is not None)
