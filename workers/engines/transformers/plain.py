"""Sequences computed one at a time with the library's own cache: for models that cannot be packed."""

import copy
from collections.abc import Sequence
from typing import Any, Self

import torch
from transformers import DynamicCache


class PlainRow:
    """One sequence and its cache."""

    def __init__(self, cache: Any) -> None:
        self.tokens: list[int] = []
        self.cache = cache
        self.inputs: dict[str, Any] = {}
        """What the first step computes beside its tokens: pictures."""
        self.shift: Any = None
        """How far positions behind pictures are from those of tokens; such a model keeps it itself."""

    @property
    def nbytes(self) -> int:
        held = [value for layer in self.cache.layers for value in vars(layer).values()]
        tensors = [value for value in held if isinstance(value, torch.Tensor)]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    def cut(self, length: int) -> bool:
        """Sliding windows and recurrent states cannot go back."""
        if length == len(self.tokens):
            return True
        if not self.cache.is_croppable or any(self.cache.is_sliding):
            return False
        self.cache.crop(length - len(self.tokens))
        del self.tokens[length:]
        return True

    def fit(self, room: int) -> None:
        """The library's cache is always as long as its tokens."""

    def copy(self, length: int) -> Self | None:
        other = type(self)(copy.deepcopy(self.cache))
        other.tokens, other.shift = list(self.tokens), self.shift
        return other if other.cut(length) else None


class Plain:
    """Computes each row with a forward of its own. Used from one thread."""

    can_retry = False
    """A step that failed may have changed a cache."""

    def __init__(self, model: Any) -> None:
        self.token_bytes = 0
        self._model = model
        self._shifting = next((one for one in model.modules() if hasattr(one, "rope_deltas")), None)

    def row(self, room: int) -> PlainRow:
        return PlainRow(DynamicCache(config=self._model.config.get_text_config()))

    def step(self, work: Sequence[tuple[PlainRow, list[int]]]) -> torch.Tensor:
        """As `rows.Packed.step`."""
        with torch.inference_mode():
            return torch.stack([self._one(row, tokens) for row, tokens in work])

    def _one(self, row: PlainRow, tokens: list[int]) -> torch.Tensor:
        ids = torch.tensor([tokens], device=self._model.device)
        inputs, row.inputs = row.inputs, {}
        if self._shifting is not None:
            self._shifting.rope_deltas = row.shift
        output = self._model(
            input_ids=ids, past_key_values=row.cache, use_cache=True, logits_to_keep=1, **inputs
        )
        if self._shifting is not None:
            row.shift = self._shifting.rope_deltas
        row.tokens += tokens
        return output.logits[0, -1].float()
