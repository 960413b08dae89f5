"""Rows that are multiplied in slices come to what torch's own way comes to."""

import pytest
import torch
from torch import nn

from workers.engines.transformers.loading import products
from workers.engines.transformers.loading.products import FEW, WideningLinear, widen_linears

INPUTS, OUTPUTS = 96, 70


def both(dtype: torch.dtype, bias: bool = True) -> tuple[nn.Linear, nn.Linear]:
    """A layer as torch has it, and a widening one of the same weights."""
    torch.manual_seed(0)
    plain = nn.Linear(INPUTS, OUTPUTS, bias=bias, dtype=dtype)
    widening = nn.Linear(INPUTS, OUTPUTS, bias=bias, dtype=dtype)
    widening.load_state_dict(plain.state_dict())
    widen_linears(nn.Sequential(widening))
    assert type(widening) is WideningLinear
    return plain, widening


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(FEW + 1,), (3, 40), (1, 2, 200)])
def test_many_rows_come_to_the_same(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, bias: bool, shape: tuple[int, ...]
) -> None:
    monkeypatch.setattr(products, "SLICE", 32 * INPUTS)  # the last slice is shorter
    plain, widening = both(dtype, bias)
    inputs = torch.randn(*shape, INPUTS, dtype=dtype)
    with torch.inference_mode():
        expected, found = plain(inputs), widening(inputs)
    assert found.shape == expected.shape
    assert found.dtype == dtype
    torch.testing.assert_close(found, expected, rtol=2 * torch.finfo(dtype).eps, atol=1e-2)


def test_few_rows_are_left_to_torch() -> None:
    plain, widening = both(torch.bfloat16)
    inputs = torch.randn(FEW, INPUTS, dtype=torch.bfloat16)
    with torch.inference_mode():
        assert torch.equal(plain(inputs), widening(inputs))


def test_a_wrong_type_is_refused_as_torch_refuses_it() -> None:
    plain, widening = both(torch.bfloat16)
    for layer in (plain, widening):
        with pytest.raises(RuntimeError, match="same dtype"):
            layer(torch.randn(FEW + 1, INPUTS))


def test_other_layers_stay_what_they_are() -> None:
    class Own(nn.Linear):  # type: ignore[misc]
        pass

    model = nn.Sequential(
        nn.Linear(4, 4), Own(4, 4, dtype=torch.bfloat16), nn.LayerNorm(4, dtype=torch.bfloat16)
    )
    kinds = [type(layer) for layer in model]
    widen_linears(model)
    assert [type(layer) for layer in model] == kinds


def test_weights_of_8_bits_are_widened_too() -> None:
    weight = torch.randint(-127, 128, (OUTPUTS, INPUTS), dtype=torch.int8)
    rows = torch.randn(40, INPUTS, dtype=torch.bfloat16)
    found = products.product(rows, weight)
    expected = (rows.float() @ weight.float().t()).to(torch.bfloat16)
    assert torch.equal(found, expected)
