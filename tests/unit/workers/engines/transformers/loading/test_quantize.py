"""What is given back while weights are made smaller belongs to nobody else."""

import torch
from torch import nn

from workers.engines.transformers.loading import quantize

SIZE = 128
"""Weights of several pages."""


class Net(nn.Module):  # type: ignore[misc]
    """Layers one after the other, all in 16 bits."""

    dtype = torch.bfloat16

    def __init__(self, *weights: torch.Tensor) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(SIZE, SIZE, bias=False) for _ in weights)
        for layer, weight in zip(self.layers, weights, strict=True):
            layer.weight = weight if isinstance(weight, nn.Parameter) else nn.Parameter(weight)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            inputs = layer(inputs)
        return inputs


def assert_little_changes(net: Net) -> None:
    inputs = torch.randn(4, SIZE, dtype=torch.bfloat16)
    with torch.no_grad():
        before = net(inputs)
        quantize.after_loading(net, "8bit")
        after = net(inputs)
    assert (after - before).norm() < 0.05 * before.norm()


def test_weights_that_lie_in_one_file_do_not_harm_each_other() -> None:
    file = torch.randn(3, SIZE, SIZE, dtype=torch.bfloat16)
    assert_little_changes(Net(*file))


def test_a_weight_that_two_layers_read_is_kept_for_the_second() -> None:
    weight = nn.Parameter(torch.randn(SIZE, SIZE, dtype=torch.bfloat16))
    assert_little_changes(Net(weight, weight))


def test_weights_that_lie_between_each_other_do_not_harm_each_other() -> None:
    file = torch.randn(SIZE, 2, SIZE, dtype=torch.bfloat16)
    assert_little_changes(Net(file[:, 0], file[:, 1]))
