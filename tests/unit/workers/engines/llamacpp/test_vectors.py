"""Vectors as they come from llama.cpp."""

import struct

import pytest

from ai_pal.errors import AiPalError
from workers.engines.llamacpp.vectors import shortened


def test_the_first_numbers_have_length_one_again() -> None:
    assert struct.unpack("<2f", shortened(struct.pack("<4f", 3, 4, 0, 9), 4, 2)) == pytest.approx((0.6, 0.8))


def test_too_many_numbers_are_refused_by_the_name_of_the_option() -> None:
    with pytest.raises(AiPalError, match=r"^dimensions: the model's vectors have 2, not 3"):
        shortened(struct.pack("<2f", 3, 4), 2, 3)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_said(value: float) -> None:
    with pytest.raises(AiPalError, match="give no numbers") as caught:
        shortened(struct.pack("<2f", value, 1), 2, 0)
    assert caught.value.code == "model_invalid"
