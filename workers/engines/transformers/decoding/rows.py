"""Token sequences with their keys and values, computed several at a time in one packed forward.

The tokens of all rows lie one behind the other in a single sequence of the model, so that its large
matrices are read once for all of them and nothing is padded. Only attention takes the rows apart.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any, Self

import torch
from transformers import AttentionInterface

NAME = "ai_pal_packed"
GRAIN = 256
"""Room for keys and values grows by at least so many tokens at a time."""


class PackedRow:
    """One sequence. `keys[layer]` has the shape (1, heads, room, size); only `tokens` are filled."""

    def __init__(self, room: int = 0) -> None:
        self.tokens: list[int] = []
        self.mark = ""
        """The kept conversation whose row it is."""
        self._room = room
        self._keys: dict[int, torch.Tensor] = {}
        self._values: dict[int, torch.Tensor] = {}

    @property
    def layers(self) -> int:
        """How many layers have written something."""
        return len(self._keys)

    @property
    def nbytes(self) -> int:
        stores = (*self._keys.values(), *self._values.values())
        return sum(store.numel() * store.element_size() for store in stores)

    def reserve(self, length: int) -> None:
        """Make sure that the next writes find room for `length` tokens."""
        if length > self._room:
            self._room = max(length, len(self.tokens) + GRAIN)

    def write(self, layer: int, keys: torch.Tensor, values: torch.Tensor) -> tuple[Any, Any]:
        """Append what the layer made of the new tokens; returns all keys and values so far."""
        held = len(self.tokens)
        end = held + keys.shape[2]
        return (
            _append(self._keys, layer, keys, held, end, self._room),
            _append(self._values, layer, values, held, end, self._room),
        )

    def cut(self, length: int) -> bool:
        del self.tokens[length:]
        return True

    def fit(self, room: int) -> None:
        """Have room for this many tokens: what goes beyond is given back now, what is missing is
        taken when it is written."""
        self._room = room
        for stores in (self._keys, self._values):
            for layer, store in stores.items():
                if store.shape[2] > room:
                    stores[layer] = store[:, :, :room].clone()

    def tensors(self) -> dict[str, torch.Tensor]:
        """All that it holds, under names."""
        named = (("keys", self._keys), ("values", self._values))
        return {f"{name}.{layer}": store for name, stores in named for layer, store in stores.items()}

    @classmethod
    def of(cls, tokens: list[int], tensors: dict[str, torch.Tensor]) -> Self:
        """The row of these tokens that had such `tensors`. Raises ValueError, KeyError for others."""
        row = cls(len(tokens))
        row.tokens = tokens
        for name, store in tensors.items():
            kind, _, layer = name.partition(".")
            if store.ndim != 4 or store.shape[2] != len(tokens):
                raise ValueError(f"{name} has another length")
            {"keys": row._keys, "values": row._values}[kind][int(layer)] = store
        return row

    def copy(self, length: int) -> Self:
        other = type(self)(length + GRAIN)
        for own, stores in ((self._keys, other._keys), (self._values, other._values)):
            for layer, store in own.items():
                _append(stores, layer, store[:, :, :length], 0, length, other._room)
        other.tokens = self.tokens[:length]
        return other


class Packed:
    """A model whose attention has been replaced. Used from one thread."""

    can_retry = True
    """A step that failed has changed no row."""
    can_guess = True
    """Rows can go back behind tokens that turn out wrong."""

    def __init__(self, model: Any) -> None:
        self.token_bytes = 0
        self.config = model.config.get_text_config()
        self.layers = self.config.num_hidden_layers
        self.windows = set[int | None]()
        """The sliding windows that layers have told of."""
        self._model = model
        self._inner = model.config._attn_implementation
        model.set_attn_implementation(NAME)
        if model.config._attn_implementation != NAME:
            raise ValueError("the model does not let its attention be replaced")

    def row(self, room: int) -> PackedRow:
        return PackedRow(room)

    def step(self, work: Sequence[tuple[PackedRow, list[int]]], wanted: Sequence[int] = ()) -> torch.Tensor:
        """Compute the tokens of each row; returns the logits after each row's last one, in 32 bits. `wanted`
        says after how many of its last ones."""
        ids: list[int] = []
        positions: list[int] = []
        ends: list[int] = []
        for (row, tokens), last in zip(work, wanted or [1] * len(work), strict=True):
            held = len(row.tokens)
            row.reserve(held + len(tokens))
            ids += tokens
            positions += range(held, held + len(tokens))
            ends += range(len(ids) - last, len(ids))
        device = self._model.device
        with torch.inference_mode():
            output = self._model(
                input_ids=torch.tensor([ids], device=device),
                position_ids=torch.tensor([positions], device=device),
                use_cache=False,
                logits_to_keep=torch.tensor(ends),  # the last layer may be on another device
                packed=Pack([(row, len(tokens)) for row, tokens in work], self._inner, self.windows),
            )
            logits = output.logits[0].float()
        for row, tokens in work:
            row.tokens += tokens
        return logits


class Pack:
    """What attention has to know of one step."""

    def __init__(self, rows: list[tuple[PackedRow, int]], inner: str, windows: set[int | None]) -> None:
        self.rows = rows
        self.inner = inner
        self.windows = windows
        self._masks: dict[tuple[int, int, int | None, torch.device], Any] = {}

    def mask(self, new: int, held: int, window: int | None, like: torch.Tensor) -> torch.Tensor | None:
        """Who of the `new` tokens sees what: none where the attention function knows by itself.

        One mask serves all layers of a step that are on one device.
        """
        key = (new, held, window, like.device)
        if key not in self._masks:
            self._masks[key] = self._make_mask(new, held, window, like)
        return self._masks[key]

    def _make_mask(self, new: int, held: int, window: int | None, like: torch.Tensor) -> Any:
        slides = window is not None and held + new > window
        if self.inner.startswith("flash") or (new == 1 and not slides):
            return None
        if not slides and not held and self.inner == "sdpa":
            return None
        queries = torch.arange(held, held + new, device=like.device)[:, None]
        keys = torch.arange(held + new, device=like.device)[None, :]
        seen = keys <= queries
        if window is not None:
            seen &= keys > queries - window
        seen = seen[None, None]
        if self.inner == "sdpa":
            return seen
        nothing = torch.zeros((), dtype=like.dtype, device=like.device)
        return torch.where(seen, nothing, torch.finfo(like.dtype).min)


def attend(
    module: Any, query: Any, key: Any, value: Any, attention_mask: Any, packed: Any = None, **options: Any
) -> tuple[Any, None]:
    """The attention of all rows, each over its own keys and values, by the function the model came with."""
    inner = _inner(packed.inner, module)
    window = options.get("sliding_window")
    packed.windows.add(window)
    results, begin = [], 0
    for row, count in packed.rows:
        end = begin + count
        held = len(row.tokens)
        keys, values = row.write(module.layer_idx, key[:, :, begin:end], value[:, :, begin:end])
        mask = packed.mask(count, held, window, query)
        results.append(inner(module, query[:, :, begin:end], keys, values, mask, **options)[0])
        begin = end
    return (results[0] if len(results) == 1 else torch.cat(results, dim=1)), None


def _inner(name: str, module: Any) -> Callable[..., Any]:
    """The attention function of that name; the plain one is part of the model's own module."""
    if name != "eager":
        function: Callable[..., Any] = AttentionInterface()[name]
        return function
    found: Callable[..., Any] = vars(sys.modules[type(module).__module__])["eager_attention_forward"]
    return found


def _append(
    stores: dict[int, torch.Tensor], layer: int, new: torch.Tensor, held: int, end: int, room: int
) -> torch.Tensor:
    """Write `new` behind the first `held` tokens, in a larger store if there is not enough room."""
    store = stores.get(layer)
    if store is None or store.shape[2] < end:
        shape = (*new.shape[:2], max(room, end), new.shape[3])
        larger = new.new_empty(shape)
        if store is not None:
            larger[:, :, :held] = store[:, :, :held]
        store = stores[layer] = larger
    store[:, :, held:end] = new
    return store[:, :, :end]


AttentionInterface.register(NAME, attend)
