"""What counts without weights counts as the loaded model does, with templates like those of real families."""

from collections.abc import Iterator
from itertools import count

import pytest
import torch

from ai_pal.errors import AiPalError
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import CountTokens, LoadModel
from tests import chat_templates, tiny_models
from tests.counted_prompts import CASES, TOO_LARGE
from tests.unit.workers.engines.transformers.recorder import Loaded, Recorder
from workers.engines.transformers.engine import Transformers
from workers.engines.transformers.vocabulary import Vocabulary

CONTEXT = 2048
KEYS = count(1)
TEMPLATES = {
    "plain": tiny_models.TEMPLATE,
    "hermes": chat_templates.HERMES,
    "llama": chat_templates.LLAMA,
    "mistral": chat_templates.MISTRAL,
    "always": chat_templates.THINKS_ALWAYS,
    "asked": chat_templates.THINKS_IF_ASKED,
    "none": None,
}


@pytest.fixture(scope="module", params=TEMPLATES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    assert torch, "it is imported before a vocabulary could forbid it in this process"
    folder = tmp_path_factory.mktemp("model")
    tiny_models.save(folder, "llama", TEMPLATES[request.param], max_position_embeddings=CONTEXT)
    loaded = Loaded(folder, CONTEXT, dtype="float32")
    yield loaded
    loaded.engine.close()


def counted(
    engine: Transformers | Vocabulary, sink: Recorder, messages: list[Message], options: GenerationOptions
) -> int | tuple[str, str]:
    """The tokens, or why they were not counted."""
    key = next(KEYS) + 1_000_000
    try:
        engine.start(CountTokens(key, messages, options), ())
    except AiPalError as error:
        return error.code, error.failure.message
    answer = sink.wait_for_end(key)
    return (answer.failure.code, answer.failure.message) if answer.failure else answer.counted


def test_every_count_is_that_of_the_model_and_of_its_requests(model: Loaded) -> None:
    vocabulary, sink = Vocabulary(), Recorder()
    spec = LoadModel("m", "transformers", str(model.folder), context=CONTEXT, vocabulary=True)
    ready = vocabulary.load(spec, sink)
    assert (ready.abilities, ready.context) == (model.ready.abilities, model.ready.context)
    agreed = 0
    for name, (messages, options) in CASES.items():
        tokens = counted(vocabulary, sink, messages, options)
        assert tokens == counted(model.engine, model.sink, messages, options), name
        try:
            answer = model.ask(messages, options)
        except AiPalError:
            continue
        if answer.failure is None:
            assert answer.usage.prompt_tokens == tokens, name
            agreed += 1
    assert agreed >= 8
    large = counted(vocabulary, sink, TOO_LARGE, GenerationOptions())
    assert isinstance(large, int)
    assert large > CONTEXT
