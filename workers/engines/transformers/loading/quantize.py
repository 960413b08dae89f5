"""Weights in 8 or 4 bits, by what is fastest where: bitsandbytes on CUDA, torch's own kernels on a CPU.

On a CPU the model is loaded as it is, mapped from its file, and its linear layers are replaced one
after the other. (torchao unpacks whole matrices there at each step: seven times slower than bf16.)
"""

import ctypes
import mmap
from collections import Counter
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from ai_pal.errors import Code, fail, pip_install
from workers.engines.transformers.loading.products import is_faster, product

GROUP = 32
"""Weights that share one scale in 4 bits."""
FEW = 16
"""Up to so many tokens the 8-bit kernel is faster than unpacking and multiplying."""
OFTEN = 32 << 20
"""Bytes of weights after which the allocator is asked to give back what it does not need: asking costs
milliseconds."""
KEPT = ("lm_head",)
"""The last layer stays as it is: it decides between tokens, and often is the embedding as well."""


class Linear8(nn.Module):  # type: ignore[misc]
    """One scale per output."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        scale = weight.abs().amax(dim=1).float().clamp(min=1e-8) / 127
        self.weight = (weight.float() / scale[:, None]).round().to(torch.int8)
        self.scale = scale.to(weight.dtype)
        self.bias = bias

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        flat = inputs.reshape(-1, inputs.shape[-1])
        if len(flat) <= FEW:
            result = torch.ops.aten._weight_int8pack_mm(flat, self.weight, self.scale)
        elif is_faster():
            result = product(flat, self.weight) * self.scale
        else:
            result = (flat @ self.weight.to(flat.dtype).t()) * self.scale
        return _finish(result, self.bias, inputs)


class Linear4(nn.Module):  # type: ignore[misc]
    """One scale and one offset per output and `GROUP` inputs."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        groups = weight.float().unflatten(1, (-1, GROUP))
        low, high = groups.amin(dim=2), groups.amax(dim=2)
        scale = ((high - low) / 15).clamp(min=1e-6).to(weight.dtype).float()
        middle = (low + scale * 8).to(weight.dtype)
        steps = ((groups - middle.float()[..., None]) / scale[..., None]).round() + 8
        packable = steps.clamp(0, 15).to(torch.int32).flatten(1)
        self.weight = torch.ops.aten._convert_weight_to_int4pack_for_cpu(packable, 1)
        pairs = torch.stack([scale.to(weight.dtype), middle], dim=2)
        self.scales = pairs.transpose(0, 1).contiguous()
        self.bias = bias

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        flat = inputs.reshape(-1, inputs.shape[-1])
        result = torch.ops.aten._weight_int4pack_mm_for_cpu(flat, self.weight, GROUP, self.scales)
        return _finish(result, self.bias, inputs)


def while_loading(bits: str, device: str) -> Any:
    """What `from_pretrained` needs to be told, None on a CPU. Raises `AiPalError` where impossible."""
    kind = device.split(":", maxsplit=1)[0]
    if not bits or kind == "cpu":
        return None
    if kind != "cuda":
        fail(
            Code.CONFIG_INVALID,
            f"quantize = {bits!r} is not possible on {kind}",
            'leave it out, or set device = "cpu"',
        )
    if find_spec("bitsandbytes") is None:
        fail(
            Code.ENGINE_MISSING,
            f"quantize = {bits!r} on CUDA needs bitsandbytes, which is not installed",
            f"run: {pip_install('bitsandbytes')}",
        )
    from transformers import BitsAndBytesConfig

    if bits == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )


def after_loading(model: Any, bits: str) -> None:
    """Replace the linear layers of a model on a CPU. Raises `AiPalError` where impossible."""
    kind = Linear8 if bits == "8bit" else Linear4
    found = [
        (name, layer)
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear) and name.rsplit(".", 1)[-1] not in KEPT
    ]
    fitting = [(name, layer) for name, layer in found if bits == "8bit" or _fits_4bit(layer)]
    if not fitting or model.dtype != torch.bfloat16:
        fail(
            Code.CONFIG_INVALID,
            f"quantize = {bits!r} is not possible for this model on a CPU",
            'leave it out, or try "8bit" with dtype = "bfloat16"',
        )
    with torch.no_grad():
        shared, passed = _shared(model), 0
        for name, layer in fitting:
            parent, _, own = name.rpartition(".")
            setattr(model.get_submodule(parent), own, kind(layer.weight, layer.bias))
            if layer.weight.data_ptr() not in shared and layer.weight.is_contiguous():
                _let_go(layer.weight)
            passed += layer.weight.nbytes
            if passed >= OFTEN:
                _give_back()
                passed = 0
        _let_go_of_the_file(model)
    _give_back()


def _shared(model: Any) -> set[int]:
    """Where the weights lie that more than one layer reads."""
    places = Counter(one.data_ptr() for _, one in model.named_parameters(remove_duplicate=False))
    return {place for place, count in places.items() if count > 1}


def _let_go(weight: torch.Tensor) -> None:
    """Unmap the whole pages of a weight that was read for the last time: the file's stay in the system's
    cache, but no longer count as this process's."""
    begin = -(-weight.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE
    end = (weight.data_ptr() + weight.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
    if end > begin:
        with suppress(AttributeError, OSError):
            madvise = ctypes.CDLL(None).madvise
            madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), mmap.MADV_DONTNEED)


def _let_go_of_the_file(model: Any) -> None:
    """What is left of the mapped weights is copied: one tensor would keep the whole file in memory."""
    kept = [*model.parameters(), *(layer.bias for layer in model.modules() if _has_bias(layer))]
    for tensor in {id(one): one for one in kept}.values():
        tensor.data = tensor.data.clone()


def _give_back() -> None:
    """The passing 32-bit copies have left holes between the new weights; glibc keeps them unless asked."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _has_bias(layer: Any) -> bool:
    return isinstance(layer, Linear8 | Linear4) and layer.bias is not None


def _fits_4bit(layer: nn.Linear) -> bool:
    outputs, inputs = layer.weight.shape
    return bool(inputs % GROUP == 0 and outputs % GROUP == 0)


def _finish(result: torch.Tensor, bias: torch.Tensor | None, inputs: torch.Tensor) -> torch.Tensor:
    if bias is not None:
        result = result + bias
    return result.reshape(*inputs.shape[:-1], result.shape[-1])
