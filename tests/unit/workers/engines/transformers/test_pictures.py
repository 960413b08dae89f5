"""Pictures: real bytes, through Pillow and the model's own processor, to a small random model that sees."""

import io
import struct
import zlib
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
from tests import tiny_models
from tests.unit.workers.engines.transformers.recorder import Answer, Loaded
from workers.engines.transformers.pictures import decode

GREEDY = GenerationOptions(temperature=0.0, max_tokens=16, extra={"ignore_eos": True})


def png(colour: str, kind: str = "PNG") -> bytes:
    written = io.BytesIO()
    Pillow.new("RGB", (20, 16), colour).save(written, kind)
    return written.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.save_llava(tmp_path_factory.mktemp("llava") / "m")


@pytest.fixture(scope="module")
def seeing(folder: Path) -> Iterator[Loaded]:
    engine = Loaded(folder, dtype="float32")
    yield engine
    engine.engine.close()


def look(engine: Loaded, *pictures: bytes, said: str = "what is it?") -> Answer:
    images = [Image("image/png", frame=place + 1) for place in range(len(pictures))]
    messages = [Message("user", [*images, Text(said)])]
    return engine.do(lambda key: Generate(key, messages, GREEDY), pictures)


def test_a_model_that_sees_says_so(seeing: Loaded) -> None:
    assert "images" in seeing.ready.abilities


def test_what_is_seen_is_what_the_library_makes_of_it(seeing: Loaded, folder: Path) -> None:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    model: Any = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    processor: Any = AutoProcessor.from_pretrained(folder, backend="pil")
    text = "<|user|>\n<image>what is it?<|end|>\n<|assistant|>\n"
    picture = Pillow.open(io.BytesIO(png("red")))
    inputs = processor(text=[text], images=[[picture]], return_tensors="pt", add_special_tokens=False)
    output = model.generate(
        **inputs, do_sample=False, max_new_tokens=16, min_new_tokens=16, eos_token_id=None
    )
    prompt = inputs["input_ids"].shape[1]
    expected = processor.tokenizer.decode(output[0, prompt:], skip_special_tokens=True)
    answer = look(seeing, png("red"))
    assert answer.failure is None
    assert answer.usage.prompt_tokens == prompt
    assert answer.text == expected


def test_another_picture_with_the_same_words_is_not_answered_from_the_cache(seeing: Loaded) -> None:
    first, second, again = look(seeing, png("red")), look(seeing, png("blue")), look(seeing, png("red"))
    assert first.text == again.text
    assert second.usage.cached_tokens == again.usage.cached_tokens == 0


def test_words_alone_and_several_pictures_run_beside_each_other(seeing: Loaded) -> None:
    alone = seeing.ask("hello", GREEDY).text
    two = look(seeing, png("red"), png("green", "JPEG"))
    assert two.failure is None
    key = seeing.begin("hello", GREEDY)
    look(seeing, png("red"))
    assert seeing.sink.wait_for_end(key).text == alone


def test_a_count_knows_the_pictures(seeing: Loaded) -> None:
    messages = [Message("user", [Image("image/png", data=png("red")), Text("x")])]
    counted = seeing.do(lambda key: CountTokens(key, messages)).counted
    answered = seeing.do(lambda key: Generate(key, messages, GREEDY))
    assert counted == answered.usage.prompt_tokens


def header(width: int, height: int) -> bytes:
    """A PNG that says it is so large, and has nothing behind."""
    content = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + content + struct.pack(">I", zlib.crc32(content))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 1 << 20) + b"IDAT"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no picture at all", "cannot be read"),
        (b"", "cannot be read"),
        (png("red")[:60], "cannot be read"),
        (header(40_000, 40_000), "40000 x 40000|too large"),
        (header(8_000, 8_000), "8000 x 8000"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "cannot be read"),
    ],
)
def test_what_is_no_picture_or_far_too_large_is_refused_before_it_is_decoded(
    data: bytes, reason: str
) -> None:
    with pytest.raises(AiPalError, match=reason) as caught:
        decode(data)
    assert caught.value.code == "bad_request"


def test_a_bad_picture_ends_its_own_request_only(seeing: Loaded) -> None:
    failure = look(seeing, b"junk").failure
    assert failure is not None
    assert failure.code == "bad_request"
    assert look(seeing, png("red")).failure is None
