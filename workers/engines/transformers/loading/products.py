"""Products with weights of 16 or 8 bits on a CPU without instructions for bf16, where torch makes one dot
product after the other: slices of a weight are widened in passing, and multiplied as matrices."""

from functools import cache
from typing import Any

import torch
from torch import nn

from workers.engines.transformers.loading.device import cpu_has_bf16

FEW = 12
"""Up to so many rows torch's own way is faster than widening."""
SLICE = 4 << 20
"""Weights that are widened at once: 16 MB, which a cache may hold."""


@cache
def is_faster() -> bool:
    """Whether this CPU is one of those."""
    return not cpu_has_bf16(torch)


def product(rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """`rows` (rows x inputs) times the transposed `weight` (outputs x inputs), computed in 32 bits and given
    in the format of `rows`."""
    outputs, inputs = weight.shape
    wide = rows.float()
    result = rows.new_empty(len(rows), outputs)
    step = max(1, SLICE // inputs)
    part = wide.new_empty(min(step, outputs), inputs)
    for begin in range(0, outputs, step):
        end = min(begin + step, outputs)
        slice_ = part[: end - begin].copy_(weight[begin:end])
        result[:, begin:end] = wide @ slice_.t()
    return result


class WideningLinear(nn.Linear):  # type: ignore[misc]
    """A linear layer of 16-bit weights whose many rows go through `product`."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        rows = inputs.reshape(-1, inputs.shape[-1])
        if len(rows) <= FEW or inputs.dtype != self.weight.dtype:
            return super().forward(inputs)
        result = product(rows, self.weight)
        if self.bias is not None:
            result += self.bias
        return result.reshape(*inputs.shape[:-1], result.shape[-1])


def widen_linears(model: Any) -> None:
    """Have a model's plain linear layers on the CPU take that way; its weights stay as they are."""
    for layer in model.modules():
        if type(layer) is nn.Linear and _is_narrow(layer.weight):
            layer.__class__ = WideningLinear


def _is_narrow(weight: torch.Tensor) -> bool:
    return weight.device.type == "cpu" and weight.dtype in (torch.bfloat16, torch.float16)
