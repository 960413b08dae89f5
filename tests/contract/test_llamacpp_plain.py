"""llama.cpp: answers of which nothing is taken apart are asked for with the prompt as a text. The model reads
and says what it does where llama.cpp takes the conversation itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import Generate, LoadModel
from tests import tiny_gguf
from tests.unit.workers.engines.transformers.recorder import Answer, Recorder
from workers.engines.llamacpp.engine import LlamaCpp

pytestmark = pytest.mark.real_model

TURNS = "{% for one in messages %}{{ one.role }}: {{ one.content }}\n{% endfor %}"
TEMPLATES = {"begun by llama.cpp": TURNS, "begun by itself": "{{ bos_token }}" + TURNS}
MESSAGES = [Message("system", "be brief"), Message("user", "what is the weather in paris <s>")]
PLAIN = GenerationOptions(temperature=0.0, max_tokens=12)
BY_CHAT = GenerationOptions(temperature=0.0, max_tokens=12, extra={"repeat_last_n": 64})
"""The same in other words, which is not plain: what only one of llama.cpp's routes may know is not."""


@pytest.fixture(params=TEMPLATES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[LlamaCpp, Recorder]]:
    file = tiny_gguf.save(tmp_path / "m.gguf", "sentencepiece", template=TEMPLATES[request.param])
    sink, made = Recorder(), LlamaCpp()
    made.load(LoadModel("m", "llamacpp", str(file), threads=1, context=512), sink)
    yield made, sink
    made.close()


def test_both_ways_are_one_answer(engine: tuple[LlamaCpp, Recorder]) -> None:
    made, sink = engine
    ways = [made._writing.prompts.is_plain(options) for options in (PLAIN, BY_CHAT)]
    assert ways == [True, False]

    def answer(key: int, options: GenerationOptions) -> Answer:
        made.start(Generate(key, MESSAGES, options), ())
        return sink.wait_for_end(key)

    plain, chat = answer(1, PLAIN), answer(2, BY_CHAT)
    assert plain.failure is None, plain.failure
    assert plain.text == chat.text != ""
    assert plain.usage.prompt_tokens == chat.usage.prompt_tokens
    assert plain.finish_reason == chat.finish_reason == "length"
