"""Adapters on transformers: the answers are those of peft, and what does not belong to a model is refused."""

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM

from ai_pal.errors import AiPalError
from tests import lora, tiny_models
from tests.unit.workers.engines.transformers.test_engine import GREEDY, QUESTION, loaded, reference
from workers.engines.transformers.decoding.rows import Packed


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.save(tmp_path_factory.mktemp("models") / "llama", "llama")


def of_peft(folder: Path, *adapters: tuple[Path, float]) -> str:
    """What the model answers with adapters beside its weights."""
    import peft

    def load(*args: Any, **named: Any) -> Any:
        model = plain(*args, **named)
        for number, (adapter, scale) in enumerate(adapters):
            model = peft.PeftModel.from_pretrained(model, str(adapter))
            for layer in model.modules():
                if isinstance(layer, peft.tuners.lora.LoraLayer) and "default" in layer.scaling:
                    layer.scale_layer(scale)
            if number + 1 < len(adapters):
                model = model.merge_and_unload()
        return model

    plain = AutoModelForCausalLM.from_pretrained
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(AutoModelForCausalLM, "from_pretrained", load)
        return reference(folder, QUESTION, 24)


def test_the_answer_is_that_of_peft(llama: Path, tmp_path: Path) -> None:
    one, other = lora.save_folder(tmp_path / "one"), lora.save_folder(tmp_path / "other", use_rslora=True)
    with loaded(llama, lora=[f"{one}=0.5", str(other)]) as engine:
        assert isinstance(engine.engine._batch._stepper, Packed)
        answer = engine.ask(QUESTION, GREEDY).text
    assert answer == of_peft(llama, (one, 0.5), (other, 1.0)) != reference(llama, QUESTION, 24)


def test_8_bits_are_those_of_the_changed_weights(llama: Path, tmp_path: Path) -> None:
    adapter = lora.save_folder(tmp_path / "a")
    said = []
    for named in ([], [str(adapter)]):
        with loaded(llama, lora=named, quantize="8bit", dtype="bfloat16") as engine:
            said.append(engine.ask(QUESTION, GREEDY).text)
    assert said[0] != said[1]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"width": 64}, "size mismatch"),
        ({"layers": 3}, "are not those of this model"),
        ({"layers": 1}, "are not those of this model"),
        ({"target_modules": ["nosuch"]}, "not found in the base model"),
        ({"peft_type": "NOSUCH"}, "NOSUCH"),
        ({"peft_type": "PROMPT_TUNING"}, "it changes prompts"),
        ({"megatron_config": {"a": 1}}, "a module of Python"),
    ],
)
def test_what_is_of_another_model_is_refused(
    llama: Path, tmp_path: Path, how: dict[str, Any], said: str
) -> None:
    adapter = lora.save_folder(tmp_path / "a", **how)
    with pytest.raises(AiPalError) as refused, loaded(llama, lora=[str(adapter)]):
        pass
    assert refused.value.code == "model_invalid"
    assert said in refused.value.failure.message
