"""A model on several devices: which of its modules goes where, by where its layers were placed."""

from collections.abc import Sequence
from typing import Any

import torch

from ai_pal.errors import Code, fail
from ai_pal.protocol.worker import Share


def device_map(kind: Any, config: Any, split: Sequence[Share]) -> dict[str, str]:
    """Which module of a model of this class goes on which device. Raises `AiPalError` (`config_invalid`)."""
    with torch.device("meta"):
        skeleton = kind.from_config(config)
    whole = skeleton._no_split_modules or ()
    layers = [name for name, module in skeleton.named_modules() if type(module).__name__ in whole]
    rest = [
        (name, module)
        for name, module in skeleton.named_modules()
        if (module._parameters or module._buffers)
        and not any(f"{name}.".startswith(f"{one}.") for one in layers)
    ]
    order = [name for name, _ in skeleton.named_modules()]
    begin = order.index(layers[0]) if layers else 0
    first = skeleton.get_input_embeddings(), *_sharing(skeleton)
    before = [
        name
        for name, module in rest
        if order.index(name) < begin or not module._parameters or any(module is one for one in first)
    ]
    return spread(layers, before, [name for name, _ in rest if name not in before], split)


def _sharing(model: Any) -> tuple[Any, ...]:
    """The output, where it has the weights of the input: both must be on one device."""
    tied = getattr(model.config.get_text_config(), "tie_word_embeddings", False)
    return (model.get_output_embeddings(),) if tied else ()


def spread(
    layers: Sequence[str], before: Sequence[str], behind: Sequence[str], placement: Sequence[Share]
) -> dict[str, str]:
    """Which module goes on which device: `layers` in their order, as many as each share has; those `before`
    with the first layer, those `behind` with the last. Raises `AiPalError` (`config_invalid`)."""
    devices = [share.device for share in placement for _ in range(share.blocks)]
    if len(devices) != len(layers):
        fail(
            Code.CONFIG_INVALID,
            f"a model with {len(layers)} parts cannot be split as one with {len(devices)}",
            "name one device, such as device=cuda:0, or cpu",
        )
    around = dict.fromkeys(before, devices[0]) | dict.fromkeys(behind, devices[-1])
    return around | dict(zip(layers, devices, strict=True))
