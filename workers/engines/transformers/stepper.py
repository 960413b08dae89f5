"""How a loaded model is stepped: packed if it proves that it can be, else one sequence at a time."""

from typing import Any

import torch

from workers.engines.transformers.plain import Plain
from workers.engines.transformers.rows import Packed
from workers.log import log

TRIAL = 12
"""Tokens of the trial; it also wakes up the kernels, so that the first request finds them ready."""
CLOSE = 0.05
"""How far the packed logits may be from the plain ones, as part of their length: rounding only."""


def choose(model: Any, vocabulary: int, sees: bool = False) -> Any:
    """A stepper: `row(room)`, `step(work)` and `token_bytes`, what a token's keys and values take. One that
    `sees` takes pictures, and computes each row by itself."""
    tokens = [(index * 7 + 5) % vocabulary for index in range(TRIAL)]
    plain = Plain(model)
    row = plain.row(TRIAL)
    expected = plain.step([(row, tokens)])[0]
    plain.token_bytes = row.nbytes // TRIAL
    if sees:
        return plain
    before = model.config._attn_implementation
    try:
        packed = Packed(model)
        if _agrees(packed, tokens, expected):
            packed.token_bytes = plain.token_bytes
            return packed
        reason = "it computes something else"
    except Exception as error:  # noqa: BLE001 - models are many, and each may fail in its own way
        reason = repr(error)
    log("warning", "this model cannot be packed: requests take turns", reason=reason)
    model.set_attn_implementation(before)
    return plain


def _agrees(packed: Packed, tokens: list[int], expected: torch.Tensor) -> bool:
    """In two parts and beside another row, the result must be that of the whole, and every layer must
    have come by: layers with a state of their own would mix the rows up."""
    row, other = packed.row(TRIAL), packed.row(TRIAL)
    half = TRIAL // 2
    packed.step([(row, tokens[:half])])
    result = packed.step([(other, tokens), (row, tokens[half:])])[1]
    is_close = (result - expected).norm() <= CLOSE * expected.norm()
    return row.layers == packed.layers and bool(is_close)
