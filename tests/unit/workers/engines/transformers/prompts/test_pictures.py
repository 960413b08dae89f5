"""Pictures: real bytes, through Pillow and the model's own processor, to a small random model that sees."""

import io
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image as Pillow

from ai_pal.errors import AiPalError
from ai_pal.protocol.content import Image, Message, Text
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import CountTokens, Generate
from tests import vision_models
from tests.unit.workers.engines.transformers.recorder import Answer, Loaded
from workers.engines.transformers.loading.loading import for_pictures
from workers.engines.transformers.prompts.pictures import decode

GREEDY = GenerationOptions(temperature=0.0, max_tokens=16, extra={"ignore_eos": True})


def png(colour: str, kind: str = "PNG", size: tuple[int, int] = (20, 16)) -> bytes:
    written = io.BytesIO()
    Pillow.new("RGB", size, colour).save(written, kind)
    return written.getvalue()


@pytest.fixture(scope="module", params=list(vision_models.KINDS))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return vision_models.save(tmp_path_factory.mktemp("models") / request.param, request.param)


@pytest.fixture(scope="module")
def seeing(folder: Path) -> Iterator[Loaded]:
    engine = Loaded(folder, dtype="float32")
    yield engine
    engine.engine.close()


@pytest.fixture(scope="module")
def library(folder: Path) -> "Library":
    return Library(folder)


class Library:
    """The model's own class with its own processor."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoConfig, AutoModelForImageTextToText
        from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

        self.model: Any = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
        kind: Any = for_pictures(PROCESSOR_MAPPING[type(AutoConfig.from_pretrained(folder))])
        self.processor = kind.from_pretrained(folder, backend="pil")

    def answer(self, turns: list[Message], *pictures: bytes) -> tuple[str, int]:
        """What greedy `generate` writes, and the tokens of the prompt."""
        told = [{"role": one.role, "content": _told(one)} for one in turns]
        tokenizer = self.processor.tokenizer
        text = tokenizer.apply_chat_template(told, tokenize=False, add_generation_prompt=True)
        images = [Pillow.open(io.BytesIO(one)) for one in pictures]
        inputs = self.processor(
            text=[text], images=[images] if images else None, return_tensors="pt", add_special_tokens=False
        )
        length = GREEDY.max_tokens
        output = self.model.generate(
            **inputs, do_sample=False, max_new_tokens=length, min_new_tokens=length, eos_token_id=None
        )
        prompt = inputs["input_ids"].shape[1]
        return tokenizer.decode(output[0, prompt:], skip_special_tokens=True), prompt


def _told(message: Message) -> Any:
    if isinstance(message.content, str):
        return message.content
    return [
        {"type": "image"} if isinstance(part, Image) else {"type": "text", "text": part.text}
        for part in message.content
        if isinstance(part, Image | Text)
    ]


def shown(*pictures: bytes, said: str = "what is it?") -> list[Message]:
    images = [Image("image/png", frame=place + 1) for place in range(len(pictures))]
    return [Message("user", [*images, Text(said)])]


def look(engine: Loaded, *pictures: bytes, said: str = "what is it?") -> Answer:
    return engine.do(lambda key: Generate(key, shown(*pictures, said=said), GREEDY), pictures)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP"])
def test_a_picture_is_read_where_it_lies(kind: str) -> None:
    """Only the decoder's own pieces are copied, and of a picture that is cut off nothing is made."""
    noise = Pillow.frombytes("RGB", (1300, 1300), os.urandom(1300 * 1300 * 3))
    written = io.BytesIO()
    noise.save(written, kind)
    data = memoryview(written.getvalue())
    decode(data)  # imports
    tracemalloc.start()
    picture = decode(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert picture.tobytes() == Pillow.open(io.BytesIO(data)).tobytes()
    assert peak < len(data) / 4
    with pytest.raises(AiPalError, match="truncated"):
        decode(data[: len(data) // 2])


def test_a_model_that_sees_says_so(seeing: Loaded) -> None:
    assert "images" in seeing.ready.abilities


@pytest.mark.parametrize("pictures", [("red",), ("red", "blue"), ("green", "white", "green")])
def test_what_is_seen_is_what_the_library_makes_of_it(
    seeing: Loaded, library: Library, pictures: tuple[str, ...]
) -> None:
    data = [png(colour) for colour in pictures]
    answer = look(seeing, *data)
    assert answer.failure is None
    assert (answer.text, answer.usage.prompt_tokens) == library.answer(shown(*data), *data)


def test_a_conversation_goes_on_after_a_picture(seeing: Loaded, library: Library) -> None:
    data = [png("red"), png("blue")]
    second = Message("user", [Image("image/png", frame=2), Text("and this?")])
    turns = [*shown(data[0]), Message("assistant", "red"), second]
    answer = seeing.do(lambda key: Generate(key, turns, GREEDY), data)
    assert answer.text == library.answer(turns, *data)[0]


def test_another_picture_with_the_same_words_is_not_answered_from_the_cache(seeing: Loaded) -> None:
    first, second, again = look(seeing, png("red")), look(seeing, png("blue")), look(seeing, png("red"))
    assert first.text == again.text
    assert second.usage.cached_tokens == again.usage.cached_tokens == 0


def test_words_alone_and_pictures_run_beside_each_other(seeing: Loaded, library: Library) -> None:
    """What a model keeps of one conversation is not taken for another's."""
    alone = seeing.ask("hello", GREEDY).text
    assert alone == library.answer([Message("user", "hello")])[0]
    long = GenerationOptions(temperature=0.0, max_tokens=60, extra={"ignore_eos": True})
    key = seeing.begin("hello", long)
    seeing.sink.wait_for_text(key)
    wide = [png("red", size=(60, 20)), png("blue")]
    assert look(seeing, *wide).text == library.answer(shown(*wide), *wide)[0]
    assert seeing.sink.wait_for_end(key).text.startswith(alone.rstrip("\ufffd"))


def test_a_count_knows_the_pictures(seeing: Loaded) -> None:
    messages = [Message("user", [Image("image/png", data=png("red")), Text("x")])]
    counted = seeing.do(lambda key: CountTokens(key, messages)).counted
    answered = seeing.do(lambda key: Generate(key, messages, GREEDY))
    assert counted == answered.usage.prompt_tokens


def test_pictures_beyond_the_window_are_refused_with_the_figures(seeing: Loaded) -> None:
    one = look(seeing, png("red")).usage.prompt_tokens - look(seeing).usage.prompt_tokens
    many = seeing.ready.context // one + 1
    failure = look(seeing, *[png("red")] * many).failure
    assert failure is not None
    assert failure.code == "prompt_too_large"
    assert str(seeing.ready.context) in failure.message
    assert "attached" in failure.message


def test_old_turns_with_pictures_make_room(seeing: Loaded) -> None:
    one = look(seeing, png("red")).usage.prompt_tokens
    count = seeing.ready.context // one
    asked = [Message("user", [Image("image/png", frame=at + 1), Text("what is it?")]) for at in range(count)]
    turns = [turn for question in asked for turn in (question, Message("assistant", "red"))][:-1]
    answer = seeing.do(lambda key: Generate(key, turns, GREEDY), [png("red")] * count)
    assert answer.failure is None
    assert 0 < answer.trimmed < count
    assert answer.usage.prompt_tokens < seeing.ready.context


def test_a_bad_picture_ends_its_own_request_only(seeing: Loaded) -> None:
    failure = look(seeing, b"junk").failure
    assert failure is not None
    assert failure.code == "image_invalid"
    assert look(seeing, png("red")).failure is None
