"""How a model is to be loaded: honoured, or refused by name where its engine does not do it."""

from typing import Any

import pytest

from ai_pal.catalog.references import loading
from ai_pal.config import ModelSettings, Settings
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.options import GenerationOptions

HERE, OWN, GENERAL = (
    {"gpu_layers": 3, "device": "cuda:1"},
    ModelSettings(gpu_layers=2, device="cuda"),
    Settings(gpu_layers=1, device="cpu"),
)


def chosen(engine: str, options: dict[str, Any], own: ModelSettings, general: Settings) -> tuple[str, int]:
    device = loading.device(engine, options, own, general)
    return device, loading.gpu_layers(engine, options, own, general, device)


def test_options_beat_the_models_settings_which_beat_the_general_ones() -> None:
    nothing = ModelSettings()
    assert chosen("llamacpp", HERE, OWN, GENERAL) == ("cuda:1", 3)
    assert chosen("llamacpp", {}, OWN, GENERAL) == ("cuda", 2)
    assert chosen("llamacpp", {}, nothing, Settings(gpu_layers=0, device="cpu")) == ("cpu", 0)
    assert chosen("llamacpp", {}, nothing, Settings()) == ("", -1)
    assert chosen("transformers", {}, nothing, Settings(gpu_layers=9, device="cuda")) == ("cuda", -1)
    assert chosen("echo", {}, nothing, Settings(gpu_layers=9, device="cuda")) == ("", -1)


@pytest.mark.parametrize(
    ("engine", "options", "words"),
    [
        ("llamacpp", {"device": "tpu"}, "no device 'tpu'"),
        ("llamacpp", {"device": 0}, "no device 0"),
        ("llamacpp", {"gpu_layers": "many"}, "gpu_layers=many"),
        ("llamacpp", {"gpu_layers": -2}, "gpu_layers=-2"),
        ("llamacpp", {"gpu_layers": True}, "gpu_layers=True"),
        ("llamacpp", {"gpu_layers": 5, "device": "cpu"}, "exclude each other"),
        ("transformers", {"gpu_layers": 5}, "is for llama.cpp"),
        ("echo", {"device": "cuda:0"}, "computes on no device"),
    ],
)
def test_what_an_engine_does_not_do_is_refused(engine: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(AiPalError) as refused:
        chosen(engine, options, ModelSettings(), Settings())
    assert refused.value.code == Code.CONFIG_INVALID
    assert words in refused.value.failure.message
    assert refused.value.failure.hint


def test_what_the_table_of_a_model_says_goes_over_its_makers_and_under_the_request() -> None:
    makers = GenerationOptions(temperature=0.6, top_p=0.95, top_k=20)
    own = ModelSettings(temperature=0.0, top_k=1)
    usual = loading.sampling(own).over(makers)
    assert (usual.temperature, usual.top_p, usual.top_k) == (0.0, 0.95, 1)
    assert loading.sampling(ModelSettings()).over(makers) == makers
    assert GenerationOptions(temperature=0.9).over(usual).temperature == 0.9
