"""llama.cpp, where the tokenizer puts an end behind each text: a prompt has none, or the model would go on
after its own end. Its prompts are given as tokens."""

from collections.abc import Iterator
from itertools import count

import gguf
import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions, Grammar
from ai_pal.protocol.worker import (
    CompleteText,
    Counted,
    CountTokens,
    Generate,
    GenerationDone,
    LoadModel,
    Ready,
)
from tests import projectors
from tests.scripted_models import Script, save_gguf
from tests.worker_driver import WorkerDriver

pytestmark = pytest.mark.real_model

KEYS = count(1)
FEW = GenerationOptions(max_tokens=4, temperature=0.0)
SAID = [Message("user", "A")]
TEMPLATE = "{{ messages[-1]['content'] }}{% if tools %}{{ tools }}{% endif %}"


def declare(writer: gguf.GGUFWriter) -> None:
    writer.add_eos_token_id(0)
    writer.add_add_eos_token(True)
    writer.add_chat_template(TEMPLATE)


@pytest.fixture(scope="module", params=["alone", "with a projector"])
def worker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkerDriver]:
    folder, script = tmp_path_factory.mktemp("model"), Script(["</s>"])
    model = save_gguf(folder / "m.gguf", script, declare)
    options = {}
    if request.param != "alone":
        options["mmproj"] = str(projectors.save(folder / "eye.gguf", width=script.width))
    with WorkerDriver(folder, "llamacpp") as driver:
        ready = driver.load(LoadModel("m", "llamacpp", str(model), options=options))
        assert isinstance(ready, Ready)
        assert not {"tools", "images"} & set(ready.abilities)
        yield driver


def said(worker: WorkerDriver, options: GenerationOptions) -> tuple[str, GenerationDone]:
    answer = worker.do(Generate(next(KEYS), SAID, options))
    assert isinstance(answer.end, GenerationDone), answer.end
    return answer.text, answer.end


def test_no_prompt_ends_with_it(worker: WorkerDriver) -> None:
    text, end = said(worker, FEW)
    assert (text, end.finish_reason, end.usage.prompt_tokens) == ("a", "stop", 1)
    raw = worker.do(CompleteText(next(KEYS), "A", None, FEW))
    assert isinstance(raw.end, GenerationDone)
    assert (raw.text, raw.end.finish_reason, raw.end.usage.prompt_tokens) == ("a", "stop", 1)
    counted = worker.do(CountTokens(next(KEYS), SAID, FEW))
    assert counted.end == Counted(counted.end.key, 1)


def test_the_answer_is_held_to_its_options(worker: WorkerDriver) -> None:
    told = GenerationOptions(temperature=0.0, response_format=Grammar('root ::= "dab"'), logprobs=2)
    answer = worker.do(Generate(next(KEYS), SAID, told))
    assert answer.text == "dab"
    assert b"".join(token.data for token in answer.logprobs.values())[:3] == b"dab"
    assert said(worker, GenerationOptions(temperature=0.0, max_tokens=9, prefill="A"))[0] == "Aa"
    assert said(worker, GenerationOptions(temperature=0.0, max_tokens=9, stop=["a"]))[0] == ""
