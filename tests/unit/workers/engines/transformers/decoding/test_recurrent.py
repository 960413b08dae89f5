"""Models with a state instead of keys and values: what they say is what the library's own `generate` says."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from tests import tiny_models
from tests.unit.workers.engines.transformers.recorder import Loaded
from workers.engines.transformers.decoding.plain import Plain
from workers.engines.transformers.parts.text import Detokenizer
from workers.engines.transformers.prompts.tokens import Tokens

TOKENS = 12
GREEDY = GenerationOptions(temperature=0.0, max_tokens=TOKENS, extra={"ignore_eos": True})
LONG = GenerationOptions(temperature=0.0, max_tokens=300, extra={"ignore_eos": True})
QUESTION = "Where do the ships sail, and why? 🌊"
CLASSES: dict[str, tuple[str, dict[str, Any]]] = {
    "mamba": ("tokens", {"state_size": 8, "conv_kernel": 4}),
    "rwkv": ("chunks", {}),
    "bamba": ("chunks", {"attn_layer_indices": [1], "mamba_n_heads": 8, "mamba_d_head": 8}),
}
"""Each in its own way: by itself its state goes on with several tokens at once, or with one at a time."""
Generate = Callable[[Sequence[Message]], str]


@pytest.fixture(scope="module", params=CLASSES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    kind = request.param
    changes = {"initializer_range": 0.3, **CLASSES[kind][1]}
    return tiny_models.save(tmp_path_factory.mktemp("recurrent") / kind, kind, **changes)


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[Loaded]:
    loaded = Loaded(folder, dtype="float32", chunk=5)
    yield loaded
    loaded.engine.close()


@pytest.fixture(scope="module")
def generate(folder: Path) -> Generate:
    """What `model.generate` answers."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    decode = Tokens(tokenizer, model.config.vocab_size).decode

    def answer(messages: Sequence[Message]) -> str:
        inputs: Any = tokenizer.apply_chat_template(
            [{"role": one.role, "content": one.text} for one in messages],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )
        prompt = inputs["input_ids"].shape[1]
        output = model.generate(
            **inputs, do_sample=False, max_new_tokens=TOKENS, min_new_tokens=TOKENS, eos_token_id=None
        )
        detokenizer = Detokenizer(decode)
        pieces = [detokenizer.push(token) for token in output[0, prompt:].tolist()]
        return "".join(pieces) + detokenizer.end()

    return answer


def test_the_way_in_which_a_state_goes_on_is_found_out(folder: Path, engine: Loaded) -> None:
    stepper = engine.engine._batch._stepper
    assert isinstance(stepper, Plain)
    assert stepper.way == CLASSES[folder.name][0]


def test_turn_after_turn_and_behind_a_cancelled_one_the_text_is_that_of_generate(
    engine: Loaded, generate: Generate
) -> None:
    messages = [Message("user", QUESTION * 2)]
    key = engine.begin(messages, LONG)
    engine.sink.wait_for_text(key)
    engine.engine.cancel(key)
    assert engine.sink.wait_for_end(key).cancelled
    first = engine.ask(messages, GREEDY)
    assert first.text == generate(messages)
    messages += [Message("assistant", first.text), Message("user", "Go on.")]
    assert engine.ask(messages, GREEDY).text == generate(messages)
    messages[-1] = Message("user", "Another way.")
    assert engine.ask(messages, GREEDY).text == generate(messages)


def test_four_together_say_what_generate_says_of_each(engine: Loaded, generate: Generate) -> None:
    asked = [[Message("user", f"{QUESTION} {number}" * (number + 1))] for number in range(4)]
    keys = [engine.begin(messages, GREEDY) for messages in asked]
    for key, messages in zip(keys, asked, strict=True):
        assert engine.sink.wait_for_end(key).text == generate(messages)
