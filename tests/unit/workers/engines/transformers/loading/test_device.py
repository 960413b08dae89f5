"""Which device and number format a model gets."""

import pytest

from ai_pal.errors import AiPalError
from ai_pal.protocol.worker import Share
from workers.engines.transformers.loading.device import LARGE, Hardware, choose_device, choose_dtype

GIB = 1 << 30
OLD = Hardware(["cpu"], [], 16 * GIB)
NEW = Hardware(["cpu"], ["cpu"], 16 * GIB)
GPU = Hardware(["cuda", "cpu"], ["cuda"], 16 * GIB, cards=2)


def test_the_first_device_is_taken_unless_another_is_asked_for() -> None:
    assert choose_device("", GPU) == "cuda"
    assert choose_device("cpu", GPU) == "cpu"
    assert choose_device("cuda:1", GPU) == "cuda:1"


def test_a_model_goes_where_it_was_placed() -> None:
    assert choose_device("", GPU, [Share("cuda:1", 5)]) == "cuda:1"
    assert choose_device("cuda", GPU, [Share("cuda:1", 5), Share("cuda:0", 5)]) == "cuda:1"
    assert choose_device("", GPU, []) == "cpu"
    assert choose_device("cpu", GPU, []) == "cpu"


@pytest.mark.parametrize(
    ("asked", "hardware", "placement"),
    [
        ("cuda", OLD, None),
        ("cuda:2", GPU, None),
        ("cuda:x", GPU, None),
        ("", OLD, [Share("cuda:0", 5)]),
        ("", GPU, [Share("cuda:0", 5), Share("cuda:2", 5)]),
    ],
)
def test_a_device_that_is_not_there_is_refused(
    asked: str, hardware: Hardware, placement: list[Share] | None
) -> None:
    with pytest.raises(AiPalError) as caught:
        choose_device(asked, hardware, placement)
    assert caught.value.code == "config_invalid"


@pytest.mark.parametrize(
    ("hardware", "device", "stored", "size", "chosen"),
    [
        (NEW, "cpu", "bfloat16", GIB, "bfloat16"),
        (NEW, "cpu", "float32", GIB, "bfloat16"),
        (OLD, "cpu", "bfloat16", GIB, "float32"),
        (OLD, "cpu", "float32", 2 * GIB, "float32"),
        (OLD, "cpu", "bfloat16", LARGE + 1, "bfloat16"),
        (Hardware(["cpu"], [], 4 * GIB), "cpu", "bfloat16", GIB, "bfloat16"),
        (GPU, "cuda:0", "float32", GIB, "bfloat16"),
        (Hardware(["cuda", "cpu"], [], GIB), "cuda", "bfloat16", GIB, "float16"),
        (Hardware(["mps", "cpu"], [], GIB), "mps", "bfloat16", GIB, "float16"),
    ],
)
def test_the_format_follows_hardware_and_size(
    hardware: Hardware, device: str, stored: str, size: int, chosen: str
) -> None:
    assert choose_dtype("", device, hardware, stored, size) == chosen


def test_a_format_that_was_asked_for_is_taken() -> None:
    assert choose_dtype("fp32", "cpu", NEW, "bfloat16", 99 * GIB) == "float32"
