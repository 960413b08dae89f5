"""How a loaded model is stepped: packed if it proves that it can be, else one sequence at a time."""

from typing import Any

import torch
from transformers.cache_utils import LinearAttentionCacheLayerMixin

from ai_pal.errors import Code, fail
from workers.engines.base import NO_NUMBERS
from workers.engines.transformers.decoding.plain import Plain, PlainRow, Way
from workers.engines.transformers.decoding.rows import Packed
from workers.engines.transformers.decoding.sampling import UNUSABLE, likeliest
from workers.log import log

TRIAL = 12
"""Tokens of the trial; it also wakes up the kernels, so that the first request finds them ready."""
CLOSE = 0.05
"""How far the packed logits may be from the plain ones, as part of their length: rounding only."""
BEHIND = 2
"""Tokens of the trial behind an interruption: what is lost there shows most in the next ones."""
SAME = 4
"""So many times as far off is still as right: rounding differs."""


def choose(model: Any, vocabulary: int, sees: bool = False) -> Any:
    """A stepper: `row(room)`, `step(work)` and `token_bytes`, what a token's keys and values take. One that
    `sees` takes pictures, and computes each row by itself. Raises `AiPalError` (`model_invalid`)."""
    tokens = [(index * 7 + 5) % vocabulary for index in range(TRIAL)]
    plain = Plain(model, sees)
    row = plain.row(TRIAL)
    expected = _computed(plain, row, tokens)
    if likeliest(expected[None])[0] is None:
        fail(Code.MODEL_INVALID, NO_NUMBERS, UNUSABLE)
    plain.token_bytes = row.nbytes // TRIAL
    if sees:
        return plain
    before = model.config._attn_implementation
    try:
        packed = Packed(model)
        if _has_state(row.cache):
            reason = "its layers have a state"
        elif _agrees(packed, tokens, expected):
            packed.token_bytes = plain.token_bytes
            return packed
        else:
            reason = "it computes something else"
    except Exception as error:  # noqa: BLE001 - models are many, and each may fail in its own way
        reason = repr(error)
    model.set_attn_implementation(before)
    _settle(plain, tokens, expected)
    log("warning", "this model cannot be packed: requests take turns", reason=reason, way=plain.way)
    return plain


def _has_state(cache: Any) -> bool:
    """Whether layers keep more than keys and values, beside them too: with small weights nobody would see in
    the trial that rows mix it up."""
    return any(isinstance(layer, LinearAttentionCacheLayerMixin) for layer in getattr(cache, "layers", ()))


def _computed(plain: Plain, row: PlainRow, tokens: list[int]) -> torch.Tensor:
    """The logits behind these tokens; without any cache where the model and its cache do not get along."""
    try:
        return plain.step([(row, tokens)])[0]
    except Exception:  # noqa: BLE001
        plain.way = "whole"
        return plain.step([(row, tokens)])[0]


def _settle(plain: Plain, tokens: list[int], expected: torch.Tensor) -> None:
    """Find the best way in which an interrupted trial comes out as in the whole. To go on with several tokens
    must be as right as with one at a time: a state that is lost need not show at once."""
    if plain.way == "whole":
        return
    one_by_one = _off(plain, "tokens", tokens, expected)
    at_once = _off(plain, "chunks", tokens, expected)
    rounding = max(one_by_one, torch.finfo(plain.dtype).eps)
    if at_once > min(SAME * rounding, CLOSE):
        plain.way = "tokens"
        if one_by_one > CLOSE:
            plain.way, plain.token_bytes = "whole", 0


def _off(plain: Plain, way: Way, tokens: list[int], expected: torch.Tensor) -> float:
    """How far the result is from the expected one, as part of its length. Learns what a token takes."""
    plain.way = way
    row = plain.row(TRIAL)
    try:
        plain.step([(row, tokens[:-BEHIND])])
        before = row.nbytes
        result = plain.step([(row, tokens[-BEHIND:])])[0]
    except Exception as error:  # noqa: BLE001
        log("warning", "a sequence cannot go on in this way", way=way, reason=repr(error))
        return float("inf")
    plain.token_bytes = (row.nbytes - before) // BEHIND
    return float((result - expected).norm() / expected.norm())


def _agrees(packed: Packed, tokens: list[int], expected: torch.Tensor) -> bool:
    """In two parts and beside another row, the result must be that of the whole, and every layer must
    have come by: layers with a state of their own would mix the rows up."""
    row, other = packed.row(TRIAL), packed.row(TRIAL)
    half = TRIAL // 2
    packed.step([(row, tokens[:half])])
    result = packed.step([(other, tokens), (row, tokens[half:])])[1]
    is_close = (result - expected).norm() <= CLOSE * expected.norm()
    return row.layers == packed.layers and bool(is_close) and _tells_windows(packed)


def _tells_windows(packed: Packed) -> bool:
    """Whether attention hears of a window that is longer than the trial: masks alone have no part in rows."""
    kinds = getattr(packed.config, "layer_types", None) or ["sliding_attention"]
    slides = getattr(packed.config, "sliding_window", None) and "sliding_attention" in kinds
    return "chunked_attention" not in kinds and not (slides and packed.windows == {None})
