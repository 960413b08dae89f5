"""The engine on small random models of real classes: what it says, shares, remembers and survives."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn.modules.module import register_module_forward_pre_hook
from transformers import AutoModelForCausalLM, AutoTokenizer

from ai_pal.errors import AiPalError
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import CompleteText
from tests import tiny_models
from tests.unit.workers.engines.transformers.recorder import Loaded
from workers.engines.transformers.batch import batch
from workers.engines.transformers.decoding.rows import Packed
from workers.engines.transformers.parts.text import Detokenizer
from workers.engines.transformers.prompts.tokens import Tokens

QUESTION = "Where do the ships sail, and why? 🌊"
GREEDY = GenerationOptions(temperature=0.0, max_tokens=24, extra={"ignore_eos": True})
ONE = GenerationOptions(temperature=0.0, max_tokens=1)
CLASSES: dict[str, dict[str, Any]] = {
    "llama": {},
    "phi": {"partial_rotary_factor": 0.5},
    "phi3": {"sliding_window": 16},
    "gemma2": {"sliding_window": 16},
}


@contextmanager
def loaded(folder: Path, context: int = 0, **options: Any) -> Iterator[Loaded]:
    engine = Loaded(folder, context, **{"dtype": "float32", **options})
    try:
        yield engine
    finally:
        engine.engine.close()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder per class."""
    root = tmp_path_factory.mktemp("models")
    return {kind: tiny_models.save(root / kind, kind, **more) for kind, more in CLASSES.items()}


@pytest.fixture(scope="module")
def llama(folders: dict[str, Path]) -> Iterator[Loaded]:
    with loaded(folders["llama"]) as engine:
        yield engine


def reference(folder: Path, said: str, tokens: int) -> str:
    """What `model.generate` answers."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    inputs: Any = tokenizer.apply_chat_template(
        [{"role": "user", "content": said}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    prompt = inputs["input_ids"].shape[1]
    output = model.generate(
        **inputs, do_sample=False, max_new_tokens=tokens, min_new_tokens=tokens, eos_token_id=None
    )
    detokenizer = Detokenizer(Tokens(tokenizer, model.vocab_size).decode)
    pieces = [detokenizer.push(token) for token in output[0, prompt:].tolist()]
    return "".join(pieces) + detokenizer.end()


@pytest.mark.parametrize("kind", CLASSES)
def test_greedy_text_is_that_of_generate(kind: str, folders: dict[str, Path]) -> None:
    with loaded(folders[kind], chunk=5) as engine:
        answer = engine.ask(QUESTION, GREEDY)
    assert answer.text == reference(folders[kind], QUESTION, 24)
    assert answer.finish_reason == "length"
    assert answer.usage.completion_tokens == 24


@pytest.mark.parametrize("kind", CLASSES)
def test_the_classes_are_packed(kind: str, folders: dict[str, Path]) -> None:
    with loaded(folders[kind]) as engine:
        assert isinstance(engine.engine._batch._stepper, Packed)


def test_requests_together_say_what_each_says_alone(llama: Loaded) -> None:
    questions = [f"{QUESTION} {number}" * (number + 1) for number in range(6)]
    alone = [llama.ask(question, GREEDY).text for question in questions]
    keys = [llama.begin(question, GREEDY) for question in questions]
    assert [llama.sink.wait_for_end(key).text for key in keys] == alone


def test_the_next_turn_continues_from_what_is_kept(folders: dict[str, Path]) -> None:
    messages = [Message("user", QUESTION * 3)]
    with loaded(folders["llama"]) as engine:
        first = engine.ask(messages, GREEDY)
        messages += [Message("assistant", "away"), Message("user", "Go on.")]
        second = engine.ask(messages, GREEDY)
    with loaded(folders["llama"]) as fresh:
        again = fresh.ask(messages, GREEDY)
    assert first.usage.cached_tokens == 0
    assert second.usage.cached_tokens >= first.usage.prompt_tokens - 3
    assert second.text == again.text


def test_what_is_kept_is_bounded(folders: dict[str, Path]) -> None:
    with loaded(folders["llama"], context=64, prompt_cache_mib=0) as engine:
        for number in range(12):
            engine.ask(f"{number} ships", GenerationOptions(temperature=0.0, max_tokens=4))
        batch = engine.engine._batch
        assert batch._kept.nbytes <= 64 * batch._stepper.token_bytes


def test_running_and_kept_together_never_outgrow_one_window(folders: dict[str, Path]) -> None:
    with loaded(folders["llama"], context=256, prompt_cache_mib=0, chunk=16) as engine:
        batch = engine.engine._batch
        held: list[int] = []

        def step() -> None:
            held.append(batch._kept.nbytes + sum(one.row.nbytes for one in batch._answers))

        engine.sink.step = step  # type: ignore[method-assign]
        for number in range(4):
            common = f"The ships of the year {number} sail to " * 4
            keys = [engine.begin(f"{common}{place}", GREEDY) for place in ("Riga", "Oslo", "Turku", "Kiel")]
            assert all(engine.sink.wait_for_end(key).finish_reason for key in keys)
        assert max(held) <= 256 * batch._stepper.token_bytes
        assert len(held) > 10


def test_a_seed_says_the_same_again_and_another_something_else(llama: Loaded) -> None:
    def say(seed: int) -> str:
        return llama.ask(QUESTION, GenerationOptions(temperature=1.5, seed=seed, max_tokens=20)).text

    assert say(1) == say(1)
    assert say(1) != say(2)


def test_cancelling_one_leaves_the_others(llama: Loaded) -> None:
    long = GenerationOptions(temperature=0.0, max_tokens=400, extra={"ignore_eos": True})
    first, second = llama.begin(QUESTION, long), llama.begin("Other ships?", GREEDY)
    llama.sink.wait_for_text(first)
    llama.engine.cancel(first)
    assert llama.sink.wait_for_end(first).cancelled
    assert llama.sink.wait_for_end(second).finish_reason == "length"


def test_a_cancelled_prompt_stops_between_two_chunks(folders: dict[str, Path]) -> None:
    with loaded(folders["llama"], chunk=1) as engine:
        before = engine.sink.steps
        key = engine.begin("ships " * 60, GREEDY)
        engine.engine.cancel(key)
        assert engine.sink.wait_for_end(key).cancelled
        assert engine.sink.steps - before < 60


def test_numbers_that_are_none_fail_only_their_request(folders: dict[str, Path]) -> None:
    with loaded(folders["llama"]) as engine:
        weights = engine.engine._batch._loaded.model.lm_head.weight
        whole = weights.clone()
        with torch.no_grad():
            weights.fill_(float("nan"))
        broken = engine.ask(QUESTION, GREEDY)
        assert broken.failure is not None
        assert broken.failure.code == "engine_error"
        with torch.no_grad():
            weights.copy_(whole)
        assert engine.ask(QUESTION, GREEDY).text


def test_what_cannot_begin_fails_at_once_and_the_engine_goes_on(
    llama: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object) -> None:
        raise TypeError("no sampler")

    monkeypatch.setattr(batch, "Sampler", broken)
    failure = llama.ask(QUESTION, GREEDY).failure
    assert failure is not None
    assert "no sampler" in failure.message
    monkeypatch.undo()
    assert llama.ask(QUESTION, GREEDY).text


def test_weights_that_give_no_numbers_are_refused_at_load(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders["llama"], tmp_path / "nan"))
    weights = load_file(folder / "model.safetensors")
    save_file({name: one * float("nan") for name, one in weights.items()}, folder / "model.safetensors")
    with pytest.raises(AiPalError, match="the model's weights give no numbers") as caught:
        Loaded(folder, dtype="float32")
    assert caught.value.code == "model_invalid"


def test_a_prompt_s_probabilities_are_told_once_however_it_is_read(folders: dict[str, Path]) -> None:
    """In parts, of which the last may be a single token: nothing of the prompt is behind it."""
    with loaded(folders["llama"], chunk=4) as engine:
        for length in range(1, 10):
            prompt = list(range(20, 20 + length))
            answer = engine.do(lambda key, said=prompt: CompleteText(key, said, None, ONE, True))  # type: ignore[misc]
            assert answer.failure is None
            assert [one.id for one in answer.prompt_logprobs] == prompt


def test_an_exception_in_a_step_fails_only_its_request(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with loaded(folders["llama"]) as engine:
        stepper = engine.engine._batch._stepper
        real = stepper.step

        def guilty(work: Any, *wanted: Any) -> Any:
            if any(len(tokens) > 60 for _, tokens in work):
                raise RuntimeError("out of memory")
            return real(work, *wanted)

        monkeypatch.setattr(stepper, "step", guilty)
        bad, good = engine.begin("ships " * 60, GREEDY), engine.begin("ships", GREEDY)
        assert engine.sink.wait_for_end(bad).failure is not None
        assert engine.sink.wait_for_end(good).finish_reason == "length"


def test_an_answer_ends_at_the_end_of_the_window(folders: dict[str, Path]) -> None:
    with loaded(folders["llama"], context=64) as engine:
        answer = engine.ask("ships", GenerationOptions(temperature=0.0, extra={"ignore_eos": True}))
    assert answer.finish_reason == "length"
    assert answer.usage.prompt_tokens + answer.usage.completion_tokens <= 64


def test_a_phi_without_template_gets_its_documented_format(tmp_path: Path) -> None:
    folder = tiny_models.save(tmp_path / "phi", "phi", template=None)
    with loaded(folder) as engine:
        rendered = engine.prompts.chat.render([Message("user", "hello")])
        assert rendered == "Instruct: hello\nOutput:"
        assert engine.ask("hello", GREEDY).text


def test_no_message_is_a_bad_request(llama: Loaded) -> None:
    with pytest.raises(AiPalError) as caught:
        llama.begin([], GREEDY)
    assert caught.value.code == "bad_request"


def test_the_engine_says_what_it_runs_with(llama: Loaded) -> None:
    assert llama.ready.engine.startswith("transformers 5")
    assert llama.ready.engine.endswith("fp32, cpu")
    assert llama.ready.context == 512
    assert llama.sink.fractions == sorted(llama.sink.fractions)
    assert llama.sink.fractions[-1] == 1.0


@pytest.mark.parametrize("bits", ["8bit", "4bit"])
def test_quantized_weights_answer_nearly_the_same(bits: str, folders: dict[str, Path]) -> None:
    with loaded(folders["llama"], dtype="", quantize=bits) as engine:
        assert engine.ask(QUESTION, GREEDY).text
        assert bits in engine.ready.engine


def test_one_thread_computes_from_the_load_to_the_answer(folders: dict[str, Path]) -> None:
    """libgomp gives each thread that computes helpers of its own, and lets them spin only while there are
    no more of them all than cores."""
    computing = set[int]()
    hook = register_module_forward_pre_hook(lambda module, inputs: computing.add(threading.get_ident()))
    try:
        with loaded(folders["llama"]) as engine:
            engine.ask(QUESTION, GREEDY)
    finally:
        hook.remove()
    assert len(computing) == 1
    assert threading.get_ident() not in computing
