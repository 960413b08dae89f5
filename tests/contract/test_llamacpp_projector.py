"""llama.cpp with a projector reads its prompts in another way. What is asked of a model that sees, and has
nothing to do with pictures, is answered as without its projector; and all of it goes with pictures, too."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ai_pal.errors import AiPalError
from ai_pal.protocol.content import Image, Message, Text
from ai_pal.protocol.doubt import Probe
from ai_pal.protocol.options import GenerationOptions, Grammar, JsonSchema, Tool
from ai_pal.protocol.worker import (
    CompleteText,
    CountTokens,
    EmbedTexts,
    Generate,
    LoadModel,
    RerankTexts,
)
from tests import lora, projectors, tiny_gguf
from tests import odd_pictures as odd
from tests.process.eventually import eventually, files_below
from tests.split_gguf import with_numbers
from tests.template_kinds.named import KINDS
from tests.template_kinds.writing import jinja
from tests.unit.workers.engines.transformers.recorder import Answer, Recorder
from workers.engines.base import Job
from workers.engines.llamacpp.engine import LlamaCpp
from workers.refusals import check_able

pytestmark = pytest.mark.real_model

GAPS = {
    f"tokenizer.ggml.fim_{name}_token_id": number for name, number in (("pre", 3), ("suf", 4), ("mid", 5))
}
TOKENS, STORY = [20, 21, 22, 23, 24], "the sea is deep and blue. " * 8
FEW_TOKENS = 5
PATCHES = (projectors.IMAGE // projectors.PATCH) ** 2
CALL = Tool("look", "Looks.", {"type": "object", "properties": {}})
RED, BLUE = odd.plain("red"), odd.plain("blue")


def options(**more: object) -> GenerationOptions:
    usual: dict[str, object] = {"temperature": 0.0, "max_tokens": FEW_TOKENS, "logprobs": 2}
    return GenerationOptions(**usual | more)  # type: ignore[arg-type] # any of them


FEW, LONG = options(), options(max_tokens=300, logprobs=None, extra={"ignore_eos": True})
SCHEMA = options(max_tokens=30, response_format=JsonSchema({"enum": ["ab"]}))
GRAMMAR = options(max_tokens=30, response_format=Grammar('root ::= "xy"'))
MAY_CALL = options(max_tokens=20, logprobs=None, tools=[CALL])
HAS_TO_CALL = options(max_tokens=60, logprobs=None, tools=[CALL], tool_choice="required")
PROBE = Probe("Answer:", ["A", "B"])


class Loaded:
    """The tiny model in this process; close it."""

    def __init__(
        self, model: Path, projector: Path | None, kept: Path | None = None, **named: object
    ) -> None:
        self._sink, self._engine, self._keys = Recorder(), LlamaCpp(), count(1)
        named |= {"mmproj": str(projector or "off"), "speculate": "off"}
        spec = LoadModel("m", "llamacpp", str(model), threads=1, context=1024, slots=2, options=named)
        if kept is not None:
            spec = msgspec.structs.replace(spec, prefixes=str(kept), prefix_bytes=10**8)
        self.ready = self._engine.load(spec, self._sink)
        self.save, self.close = self._engine.save_prefixes, self._engine.close

    def do(self, make: Callable[[int], Job]) -> Answer:
        job = make(next(self._keys))
        check_able(job, self.ready, "m")
        self._engine.start(job, ())
        return self._sink.wait_for_end(job.key)

    def cancel_once_it_writes(self, make: Callable[[int], Job]) -> Answer:
        job = make(next(self._keys))
        self._engine.start(job, ())
        self._sink.wait_for_text(job.key)
        self._engine.cancel(job.key)
        return self._sink.wait_for_end(job.key)

    def is_at_rest(self) -> bool:
        slots: Any = self._engine._server.asker.ask("/slots")
        return not any(slot["is_processing"] for slot in slots)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    plain = tiny_gguf.save(folder / "plain.gguf", "bytes", template=jinja(KINDS["qwen-3-vl"]))
    return with_numbers(plain, folder / "m.gguf", GAPS)


@pytest.fixture(scope="module")
def eye(model: Path) -> Path:
    return projectors.save(model.parent / "eye.gguf", width=tiny_gguf.WIDTH)


@pytest.fixture(scope="module")
def blind(model: Path) -> Iterator[Loaded]:
    one = Loaded(model, None)
    yield one
    one.close()


@pytest.fixture(scope="module")
def seeing(model: Path, eye: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    one = Loaded(model, eye, tmp_path_factory.mktemp("kept"))
    assert "images" in one.ready.abilities
    yield one
    one.close()


def said(text: str) -> list[Message]:
    return [Message("user", text)]


def shown(*pictures: bytes, text: str = "what is it?") -> list[Message]:
    return [Message("user", [*(Image("image/png", data=one) for one in pictures), Text(text)])]


ASKED: dict[str, Callable[[int], Job]] = {
    "a chat": lambda key: Generate(key, said("hello"), FEW),
    "a given beginning": lambda key: Generate(key, said("hello"), options(prefill="I said")),
    "a given beginning and tools": lambda key: Generate(
        key, said("hello"), msgspec.structs.replace(MAY_CALL, prefill="I said")
    ),
    "tokens": lambda key: CompleteText(key, TOKENS, None, FEW),
    "no token": lambda key: CompleteText(key, [], None, FEW),
    "tokens that it has not": lambda key: CompleteText(key, [20, 99_999], None, FEW),
    "tokens beyond the window": lambda key: CompleteText(key, TOKENS * 300, None, FEW),
    "a text": lambda key: CompleteText(key, "the sea", None, FEW),
    "a text with a beginning": lambda key: CompleteText(key, "the sea", None, options(prefill=" is")),
    "a text in a grammar": lambda key: CompleteText(key, "the sea", None, GRAMMAR),
    "tokens in a grammar": lambda key: CompleteText(key, TOKENS, None, GRAMMAR),
    "a gap": lambda key: CompleteText(key, "def f(a):", " return", FEW),
    "a gap up to a text": lambda key: CompleteText(
        key, "def f(a):", " return", options(extra={"stop": "K", "response_fields": ["model"]})
    ),
    "how probable a text is": lambda key: CompleteText(key, "the sea", None, FEW, prompt_logprobs=True),
    "how probable tokens are": lambda key: CompleteText(key, TOKENS, None, FEW, prompt_logprobs=True),
    "a doubt": lambda key: Generate(key, said(STORY), options(logprobs=None), watch=True, probe=PROBE),
    "a count": lambda key: CountTokens(key, said("hello"), FEW),
    "a count with a beginning": lambda key: CountTokens(key, said("hello"), options(prefill="I said")),
    "a schema": lambda key: Generate(key, said("hello"), SCHEMA),
    "a grammar": lambda key: Generate(key, said("hello"), GRAMMAR),
    "a call": lambda key: Generate(key, said("hello"), HAS_TO_CALL),
    "a call if it likes": lambda key: Generate(key, said("hello"), MAY_CALL),
}


@pytest.mark.parametrize("what", ASKED)
def test_without_pictures_it_is_as_without_its_projector(what: str, blind: Loaded, seeing: Loaded) -> None:
    one, other = blind.do(ASKED[what]), seeing.do(ASKED[what])
    assert outcome(other) == outcome(one)
    for name in ("logprobs", "prompt_logprobs"):
        probable = [[token.logprob for token in getattr(answer, name)] for answer in (other, one)]
        assert probable[0] == pytest.approx(probable[1], abs=1e-2)
    assert len(other.probed) == len(one.probed) == (what == "a doubt")
    assert len(other.watched) == len(one.watched)


def outcome(answer: Answer) -> tuple[object, ...]:
    parts = [(part.kind, part.name, part.text) for part in answer.grown.values()]
    used = (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.counted)
    ids = [[token.id for token in tokens] for tokens in (answer.logprobs, answer.prompt_logprobs)]
    return parts, answer.finish_reason, answer.failure, used, ids


def test_an_adapter_goes_with_it(model: Path, eye: Path, blind: Loaded, tmp_path: Path) -> None:
    adapter = str(lora.save_gguf(tmp_path / "lora.gguf"))
    one, other = (Loaded(model, projector, lora=[adapter]) for projector in (None, eye))
    plain, adapted, seen = (loaded.do(ASKED["tokens"]) for loaded in (blind, one, other))
    assert outcome(seen) == outcome(adapted)
    assert seen.logprobs[0].logprob != pytest.approx(plain.logprobs[0].logprob, abs=1e-2)
    one.close()
    other.close()


@pytest.mark.parametrize(
    "make", [lambda key: EmbedTexts(key, ["a"]), lambda key: RerankTexts(key, "a", ["b"])]
)
def test_it_has_no_vectors_either(make: Callable[[int], Job], seeing: Loaded) -> None:
    with pytest.raises(AiPalError) as caught:
        seeing.do(make)
    assert caught.value.failure.code == "unsupported"


def test_a_cancel_ends_what_goes_on_with_tokens(seeing: Loaded) -> None:
    answer = seeing.cancel_once_it_writes(lambda key: CompleteText(key, TOKENS, None, LONG))
    assert answer.cancelled
    eventually(seeing.is_at_rest)


# With pictures.


@pytest.mark.parametrize(
    "asked",
    [FEW, options(prefill="I see "), options(prefill="I see ", tools=[CALL], logprobs=None), MAY_CALL],
    ids=["plain", "begun", "begun, with tools", "with tools"],
)
def test_a_count_is_what_the_answer_reports(asked: GenerationOptions, seeing: Loaded) -> None:
    answer = seeing.do(lambda key: Generate(key, shown(RED, BLUE), asked))
    counted = seeing.do(lambda key: CountTokens(key, shown(RED, BLUE), asked)).counted
    assert answer.failure is None
    assert answer.text.startswith(asked.prefill)
    assert answer.usage.prompt_tokens == counted > 2 * PATCHES


def test_an_answer_with_a_given_beginning_sees_what_others_see(seeing: Loaded) -> None:
    plain = seeing.do(lambda key: Generate(key, shown(RED, BLUE, text="and now?"), FEW)).usage
    begun = options(prefill="I see ")
    same = seeing.do(lambda key: Generate(key, shown(RED, BLUE, text="and now?"), begun)).usage
    swapped = seeing.do(lambda key: Generate(key, shown(BLUE, RED, text="and now?"), begun)).usage
    assert same.cached_tokens >= plain.prompt_tokens - 2
    assert swapped.cached_tokens < PATCHES


def test_an_answer_of_a_form_sees(seeing: Loaded) -> None:
    held = seeing.do(lambda key: Generate(key, shown(RED), SCHEMA))
    ruled = seeing.do(lambda key: Generate(key, shown(RED), GRAMMAR))
    called = seeing.do(lambda key: Generate(key, shown(RED), HAS_TO_CALL))
    assert (held.text, ruled.text) == ('"ab"', "xy")
    assert [part.name for part in called.of_kind("tool_call")] == [CALL.name]


def test_a_doubt_is_told_without_its_probe(seeing: Loaded) -> None:
    asked = options(logprobs=None)
    answer = seeing.do(lambda key: Generate(key, shown(RED, text=STORY), asked, watch=True, probe=PROBE))
    assert (answer.failure, answer.probed) == (None, [])
    assert len(answer.watched) >= FEW_TOKENS - 1


# What is kept.


def test_what_was_read_outlives_the_process_but_not_with_pictures(
    model: Path, eye: Path, tmp_path: Path
) -> None:
    texts, pictures = "1" * 32, "2" * 32
    for mark in (texts, pictures):
        (tmp_path / mark).mkdir()
    first = Loaded(model, eye, tmp_path)
    before = first.do(lambda key: Generate(key, said(STORY), FEW, texts))
    first.do(lambda key: Generate(key, shown(RED, text=STORY), FEW, pictures))
    first.save(60.0)
    first.close()
    assert [path.parent.name for path in files_below(tmp_path)] == [texts] * 2
    second = Loaded(model, eye, tmp_path)
    turns = [*said(STORY), Message("assistant", before.text), *said("And?")]
    after = second.do(lambda key: Generate(key, turns, FEW, texts))
    second.close()
    assert after.usage.cached_tokens >= before.usage.prompt_tokens - 8
