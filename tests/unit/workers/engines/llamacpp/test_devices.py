"""Layers of llama.cpp on GPUs, with a binding that has some."""

from types import SimpleNamespace
from typing import Any

import pytest

from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.worker import LoadModel, Share
from workers.engines.llamacpp.devices import cards, place

AUTO = {"n_gpu_layers": -1, "fit_params": True, "no_op_offload": False, "main_gpu": 0, "split_mode": "layer"}
TWO = ["CUDA0", "CUDA1"]


def binding(*names: str) -> Any:
    """What xllamacpp says of its devices."""
    told = [{"name": "CPU", "type": SimpleNamespace(name="GGML_BACKEND_DEVICE_TYPE_CPU")}]
    told += [{"name": one, "type": SimpleNamespace(name="GGML_BACKEND_DEVICE_TYPE_GPU")} for one in names]
    modes = SimpleNamespace(LLAMA_SPLIT_MODE_NONE="none")
    return SimpleNamespace(get_device_info=lambda: told, __version__="1.0", llama_split_mode=modes)


def placed(*names: str, **settings: Any) -> dict[str, Any]:
    """What was set otherwise than the library has it."""
    draft = SimpleNamespace(n_gpu_layers=-1)
    parameters = SimpleNamespace(**AUTO, tensor_split=[0.0] * 4, speculative=SimpleNamespace(draft=draft))
    place(binding(*names), parameters, LoadModel("m", "llamacpp", **settings), cards(binding(*names)))
    assert draft.n_gpu_layers == (
        0 if names and ("placement" in settings or "cpu" in settings.values()) else -1
    )
    before = AUTO | {"tensor_split": [0.0] * 4}
    return {name: value for name, value in vars(parameters).items() if value != before.get(name, value)}


def test_the_binding_tells_its_gpus() -> None:
    assert cards(binding(*TWO)) == TWO
    assert cards(binding()) == []


def test_a_placement_is_carried_out_to_the_layer() -> None:
    assert placed(*TWO, placement=[Share("cuda:0", 5), Share("cuda:1", 3)]) == {
        "n_gpu_layers": 8, "fit_params": False, "tensor_split": [5.0, 3.0, 0.0, 0.0],
    }  # fmt: skip
    assert placed(*TWO, placement=[Share("cuda:1", 3)]) == {
        "n_gpu_layers": 3, "fit_params": False, "tensor_split": [0.0, 3.0, 0.0, 0.0], "main_gpu": 1,
    }  # fmt: skip


@pytest.mark.parametrize("settings", [{"placement": []}, {"device": "cpu"}, {"gpu_layers": 0}])
def test_nothing_is_computed_on_a_gpu_where_all_is_on_the_host(settings: dict[str, Any]) -> None:
    assert placed(*TWO, **settings) == {"n_gpu_layers": 0, "no_op_offload": True, "fit_params": False}
    assert placed(**settings) == {}


def test_without_a_placement_llamacpp_fits_by_itself() -> None:
    assert placed(*TWO) == placed() == placed(*TWO, device="cuda") == {}
    assert placed(*TWO, gpu_layers=7) == {"n_gpu_layers": 7}
    assert placed(*TWO, device="cuda:1") == {"split_mode": "none", "main_gpu": 1}


@pytest.mark.parametrize(
    ("names", "settings", "words"),
    [
        ([], {"device": "cuda"}, "device=cuda: llama.cpp finds no GPU"),
        ([], {"device": "cuda:0", "gpu_layers": 5}, "device=cuda:0 and gpu_layers=5: llama.cpp finds no GPU"),
        ([], {"placement": [Share("cuda:0", 5)]}, "cuda:0: llama.cpp finds no GPU"),
        (TWO, {"device": "cuda:2"}, "no device cuda:2"),
        (TWO, {"device": "mps"}, "no device mps"),
        (TWO, {"placement": [Share("cuda:2", 5)]}, "no device cuda:2"),
    ],
)
def test_what_is_not_there_is_refused(names: list[str], settings: dict[str, Any], words: str) -> None:
    with pytest.raises(AiPalError) as refused:
        placed(*names, **settings)
    assert refused.value.code == Code.CONFIG_INVALID
    assert words in refused.value.failure.message
    assert refused.value.failure.hint
