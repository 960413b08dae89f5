"""Sequences computed one at a time with the library's own cache: for models that cannot be packed."""

import copy
import inspect
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Self

import torch

CACHES = ("past_key_values", "cache_params", "state")
"""What classes call the memory of a sequence, where they take one and give it back."""
Way = Literal["chunks", "tokens", "whole"]
"""How a sequence goes on behind its first tokens: with several at once, with one at a time (some recurrent
layers lose their state otherwise), or only from its beginning."""


class PlainRow:
    """One sequence and its cache, which the model itself makes in the first step."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.cache: Any = None
        self.mark = ""
        self.inputs: dict[str, Any] = {}
        """What the first step computes beside its tokens: pictures."""
        self.shift: Any = None
        """How far positions behind pictures are from those of tokens; such a model keeps it itself."""

    @property
    def nbytes(self) -> int:
        return sum(tensor.numel() * tensor.element_size() for tensor in _tensors(self.cache))

    def cut(self, length: int) -> bool:
        """Sliding windows and recurrent states cannot go back."""
        if length == len(self.tokens):
            return True
        if self.cache is not None:
            if not getattr(self.cache, "is_croppable", False) or any(self.cache.is_sliding):
                return False
            try:
                self.cache.crop(length - len(self.tokens))
            except RuntimeError:  # a convolution has not kept what was before
                return False
        del self.tokens[length:]
        return True

    def fit(self, room: int) -> None:
        """The library's cache is always as long as its tokens."""

    def copy(self, length: int) -> Self | None:
        other = type(self)()
        other.cache = copy.deepcopy(self.cache)
        other.tokens, other.shift = list(self.tokens), self.shift
        return other if other.cut(length) else None


class Plain:
    """Computes each row with a forward of its own. Used from one thread."""

    can_retry = False
    """A step that failed may have changed a cache."""
    can_guess = False
    """Not every cache can go back."""

    def __init__(self, model: Any, sees: bool = False) -> None:
        self.token_bytes = 0
        self.way: Way = "chunks"
        self.dtype = model.dtype
        self._model = model
        taken = inspect.signature(model.forward).parameters
        self._name = next((name for name in CACHES if name in taken), "")
        self._tells_places = "position_ids" in taken and not sees
        self._shifting = next((one for one in model.modules() if hasattr(one, "rope_deltas")), None)

    def row(self, room: int) -> PlainRow:
        return PlainRow()

    def step(self, work: Sequence[tuple[PlainRow, list[int]]], wanted: Sequence[int] = ()) -> torch.Tensor:
        """As `rows.Packed.step`."""
        lasts = wanted or [1] * len(work)
        with torch.inference_mode():
            return torch.cat(
                [self._one(row, tokens, last) for (row, tokens), last in zip(work, lasts, strict=True)]
            )

    def _one(self, row: PlainRow, tokens: list[int], last: int) -> torch.Tensor:
        if self.way == "tokens" and row.tokens:
            return torch.cat([self._forward(row, [token], 1) for token in tokens][-last:])
        return self._forward(row, tokens, last)

    def _forward(self, row: PlainRow, tokens: list[int], last: int) -> torch.Tensor:
        begin = 0 if self.way == "whole" else len(row.tokens)
        every = [*row.tokens, *tokens][begin:]
        device = self._model.device
        given, row.inputs = row.inputs, {}
        given["use_cache"] = self.way != "whole" and bool(self._name)
        if given["use_cache"]:
            given[self._name] = row.cache
        if self._tells_places:
            given["position_ids"] = torch.arange(begin, begin + len(every), device=device)[None]
        if self._shifting is not None:
            self._shifting.rope_deltas = row.shift
        output = self._model(input_ids=torch.tensor([every], device=device), logits_to_keep=last, **given)
        if self._shifting is not None:
            row.shift = self._shifting.rope_deltas
        if given["use_cache"]:
            row.cache = output[self._name]
        row.tokens += tokens
        logits: torch.Tensor = output.logits[0, -last:].float()
        return logits


def _tensors(held: Any) -> Iterator[torch.Tensor]:
    """All tensors of a cache: one with layers, or nothing but lists."""
    if isinstance(held, torch.Tensor):
        yield held
    elif isinstance(held, list | tuple | dict):
        for one in held.values() if isinstance(held, dict) else held:
            yield from _tensors(one)
    elif hasattr(held, "layers"):
        for layer in held.layers:
            yield from _tensors(vars(layer))
