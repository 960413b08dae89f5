"""Doubts of an answer, asked of a real worker process: echo, llama.cpp, transformers."""

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.doubt import FIRST_TOKENS, Probe
from ai_pal.protocol.options import GenerationOptions, JsonSchema
from ai_pal.protocol.worker import Generate, GenerationDone, LoadModel, Ready
from tests.worker_driver import Answer, WorkerDriver

STARTER = {"llamacpp": "short_starter", "transformers": "short_safetensors"}
CHOICE = (
    "Plants are seen to grow when they stand in the sun and have water, and not to grow in the dark. Which "
    "of these is the gas that plants take out of the air when they grow in the light of the sun?\n"
    "A. oxygen\nB. carbon dioxide\nC. helium\nD. neon\nAnswer:"
)
PROBE = Probe("Answer:", ["A", "B", "C", "D"])
FEW = GenerationOptions(temperature=0.0, max_tokens=12)


class Loaded(msgspec.Struct):
    """A worker with its model, and the keys of its requests."""

    driver: WorkerDriver
    engine: str
    keys: Iterator[int]

    def ask(
        self,
        said: str,
        options: GenerationOptions = FEW,
        *,
        watch: bool = True,
        probe: Probe | None = None,
    ) -> Answer:
        return self.driver.do(
            Generate(next(self.keys), [Message("user", said)], options, watch=watch, probe=probe)
        )


@pytest.fixture(
    scope="module",
    params=["echo", *(pytest.param(one, marks=pytest.mark.real_model) for one in STARTER)],
)
def worker(request: pytest.FixtureRequest) -> Iterator[Loaded]:
    engine = request.param
    path = "" if engine == "echo" else str(request.getfixturevalue(STARTER[engine]))
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), engine) as driver:
        # In 16 bits the same numbers, computed in other chunks, differ by as much as what is looked for here.
        exact = {"dtype": "float32"} if engine == "transformers" else {}
        load = LoadModel("m", engine, path, context=1024, slots=4, options=exact)
        assert isinstance(driver.load(load), Ready)
        yield Loaded(driver, engine, iter(range(1, 1000)))


def test_each_token_of_a_watched_answer_has_its_numbers_and_they_make_its_doubt(worker: Loaded) -> None:
    answer = worker.ask("Tell me about the sea.")
    assert isinstance(answer.end, GenerationDone)
    doubt, tokens = answer.end.doubt, answer.end.usage.completion_tokens
    assert doubt is not None
    assert tokens - 1 <= len(answer.entropies) == len(answer.probabilities) == doubt.tokens <= tokens
    assert doubt.logprob == pytest.approx(sum(answer.probabilities) / doubt.tokens)
    assert doubt.entropy == pytest.approx(sum(answer.entropies) / doubt.tokens)
    assert all(0.0 <= one < math.log(1 << 20) for one in answer.entropies)
    assert all(one <= 1e-4 for one in answer.probabilities)
    assert len(set(answer.entropies)) > 1 or worker.engine == "echo"


def test_of_a_long_answer_only_the_first_numbers_leave(worker: Loaded) -> None:
    said = f"Tell me a long story of {', '.join(f'ship {number}' for number in range(20))} and the sea."
    answer = worker.ask(said, msgspec.structs.replace(FEW, max_tokens=FIRST_TOKENS + 8))
    assert isinstance(answer.end, GenerationDone)
    assert answer.end.doubt is not None
    assert answer.end.doubt.tokens == FIRST_TOKENS + 8
    assert len(answer.entropies) == len(answer.probabilities) == FIRST_TOKENS
    assert answer.end.doubt.entropy == pytest.approx(sum(answer.entropies) / FIRST_TOKENS)


def test_doubts_change_no_token_and_come_only_where_they_are_asked_for(worker: Loaded) -> None:
    plain = worker.ask(CHOICE, watch=False)
    doubted = worker.ask(CHOICE, probe=PROBE)
    assert isinstance(plain.end, GenerationDone)
    assert isinstance(doubted.end, GenerationDone)
    assert doubted.text == plain.text
    assert doubted.end.usage.completion_tokens == plain.end.usage.completion_tokens
    assert doubted.end.usage.prompt_tokens == plain.end.usage.prompt_tokens
    assert (plain.entropies, plain.probed, plain.end.doubt) == ([], [], None)


def test_a_probe_tells_one_number_and_the_prompt_is_read_once(worker: Loaded) -> None:
    said = CHOICE.replace("Plants", "All of the plants")
    answer = worker.ask(said, probe=PROBE)
    assert isinstance(answer.end, GenerationDone)
    (entropy,) = answer.probed
    assert 0.0 <= entropy <= math.log(4) + 1e-6
    assert answer.end.usage.cached_tokens < answer.end.usage.prompt_tokens / 2, "it was not kept from before"
    again = worker.ask(said)
    assert isinstance(again.end, GenerationDone)
    assert again.text == answer.text
    assert again.probabilities == pytest.approx(answer.probabilities, abs=0.05), (
        "the answer goes on behind it"
    )
    if worker.engine != "echo":
        assert again.end.usage.cached_tokens >= answer.end.usage.prompt_tokens - 1, (
            "the probe has displaced it"
        )


def test_several_watched_answers_at_once_have_their_own_numbers(worker: Loaded) -> None:
    questions = {next(worker.keys): f"Name some {what}." for what in ("rivers", "birds", "tools")}
    for key, said in questions.items():
        worker.driver.answers[key] = Answer()
        worker.driver.send(Generate(key, [Message("user", said)], FEW, watch=True))
    worker.driver.finish(questions)
    for key, said in questions.items():
        alone = worker.ask(said)
        together = worker.driver.answers[key]
        if together.text == alone.text:
            assert together.entropies == pytest.approx(alone.entropies, abs=0.15)
        assert len(together.entropies) >= 3


def test_what_a_schema_forces_is_watched_too(worker: Loaded) -> None:
    schema = JsonSchema({"type": "object", "properties": {"n": {"enum": [1]}}, "required": ["n"]})
    answer = worker.ask(
        "Give n.", msgspec.structs.replace(FEW, max_tokens=40, response_format=schema), probe=PROBE
    )
    assert isinstance(answer.end, GenerationDone)
    assert answer.end.doubt is not None
    assert answer.end.doubt.tokens >= 1
    assert answer.end.doubt.flaws == []
    assert answer.probed == [] or worker.engine == "echo"


def test_what_stands_behind_a_stop_text_is_not_counted(worker: Loaded) -> None:
    whole = worker.ask("Tell me about the sea.").text
    stop = whole.split()[1]
    answer = worker.ask("Tell me about the sea.", msgspec.structs.replace(FEW, stop=[stop]))
    assert isinstance(answer.end, GenerationDone)
    assert answer.end.doubt is not None
    assert answer.text == whole[: whole.index(stop)]
    assert answer.end.doubt.tokens <= answer.end.usage.completion_tokens


def test_an_answer_that_is_cut_off_says_so(worker: Loaded) -> None:
    answer = worker.ask(
        "Tell me a long story of the sea and the wind.", msgspec.structs.replace(FEW, max_tokens=5)
    )
    assert isinstance(answer.end, GenerationDone)
    assert answer.end.doubt is not None
    assert "cut_off" in answer.end.doubt.flaws
