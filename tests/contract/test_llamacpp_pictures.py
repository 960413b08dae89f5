"""llama.cpp with a projector: pictures and sounds to the starter model, through small random projectors."""

import math
import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import msgspec
import pytest

from ai_pal.protocol.content import Audio, Image, Message, Text
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import (
    Counted,
    CountTokens,
    Generate,
    GenerationCancelled,
    GenerationDone,
    GenerationFailed,
    LoadFailed,
    LoadModel,
    Ready,
)
from tests import odd_pictures as odd
from tests import projectors
from tests.worker_driver import Answer, WorkerDriver

pytestmark = [pytest.mark.real_model, pytest.mark.timeout(900)]

CONTEXT = 512
KEYS = count(1)
GREEDY = GenerationOptions(temperature=0.0, max_tokens=4, logprobs=1)
LONG = GenerationOptions(temperature=0.0, max_tokens=100, extra={"ignore_eos": True})
SAME = 0.05
"""What chunks of another size change in the logarithm of a probability."""
PATCHES = (projectors.IMAGE // projectors.PATCH) ** 2


RED, BLUE = odd.plain("red"), odd.plain("blue")


@contextmanager
def loaded(model: Path, kind: str, **options: object) -> Iterator[tuple[WorkerDriver, Ready | LoadFailed]]:
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), "llamacpp") as driver:
        projector = projectors.save(Path(folder) / "eye.gguf", kind) if kind else None
        named = {"mmproj": str(projector)} if projector else {}
        yield (
            driver,
            driver.load(LoadModel("m", "llamacpp", str(model), context=CONTEXT, options=named | options)),
        )


@pytest.fixture(scope="module")
def seeing(starter_model: Path) -> Iterator[WorkerDriver]:
    with loaded(starter_model, "mlp") as (driver, ready):
        assert isinstance(ready, Ready)
        assert "images" in ready.abilities
        assert "audio" not in ready.abilities
        yield driver


@pytest.fixture(scope="module")
def glancing(short_starter: Path) -> Iterator[WorkerDriver]:
    """The same with its first layers: it takes the same pictures, and makes little of them."""
    with loaded(short_starter, "mlp") as (driver, ready):
        assert isinstance(ready, Ready)
        yield driver


@pytest.fixture(scope="module")
def hearing(starter_model: Path) -> Iterator[WorkerDriver]:
    with loaded(starter_model, "ultravox") as (driver, ready):
        assert isinstance(ready, Ready)
        assert "audio" in ready.abilities
        assert "images" not in ready.abilities
        yield driver


def shown(*pictures: bytes, said: str = "what is it?", inline: bool = False) -> list[Message]:
    parts = [
        Image("image/png", data=one) if inline else Image("image/png", frame=place)
        for place, one in enumerate(pictures, start=1)
    ]
    return [Message("user", [*parts, Text(said)])]


def look(driver: WorkerDriver, *pictures: bytes, options: GenerationOptions = GREEDY) -> Answer:
    return driver.do(Generate(next(KEYS), shown(*pictures), options), *pictures)


def done(answer: Answer) -> GenerationDone:
    assert isinstance(answer.end, GenerationDone), answer.end
    return answer.end


def impression(answer: Answer) -> float:
    """What was made of a prompt: how probable its first token was."""
    done(answer)
    return answer.logprobs[0].logprob


def differs(one: Answer, other: Answer) -> bool:
    return abs(impression(one) - impression(other)) > SAME


def refused(answer: Answer, code: str, *words: str) -> None:
    assert isinstance(answer.end, GenerationFailed), answer
    assert answer.end.failure.code == code
    for word in words:
        assert word in answer.end.failure.message


def test_pictures_are_seen(seeing: WorkerDriver) -> None:
    red, blue, again = look(seeing, RED), look(seeing, BLUE), look(seeing, RED)
    assert not differs(red, again)
    assert differs(red, blue)
    words = seeing.do(Generate(next(KEYS), [Message("user", "what is it?")], GREEDY))
    assert done(red).usage.prompt_tokens == done(words).usage.prompt_tokens + PATCHES


def test_a_picture_within_the_request_is_the_same_as_one_behind_it(seeing: WorkerDriver) -> None:
    within = seeing.do(Generate(next(KEYS), shown(RED, inline=True), GREEDY))
    assert not differs(within, look(seeing, RED))


def test_several_pictures_in_their_order(seeing: WorkerDriver) -> None:
    one, other = look(seeing, RED, BLUE), look(seeing, BLUE, RED)
    assert differs(one, other)
    assert done(one).usage.prompt_tokens == done(look(seeing, RED)).usage.prompt_tokens + PATCHES


def test_a_conversation_goes_on_and_what_was_seen_is_kept(seeing: WorkerDriver) -> None:
    first = look(seeing, RED)
    turns = [*shown(RED), Message("assistant", first.text), Message("user", "And what else?")]
    then = seeing.do(Generate(next(KEYS), turns, GREEDY), RED)
    assert done(then).usage.cached_tokens >= done(first).usage.prompt_tokens - 2
    changed = seeing.do(Generate(next(KEYS), turns, GREEDY), odd.plain("green"))
    assert done(changed).usage.cached_tokens < PATCHES
    assert differs(changed, then)


def test_a_count_is_what_the_answer_reports(seeing: WorkerDriver) -> None:
    counted = seeing.do(CountTokens(next(KEYS), shown(RED, BLUE)), RED, BLUE).end
    assert isinstance(counted, Counted)
    assert counted.tokens == done(look(seeing, RED, BLUE)).usage.prompt_tokens


def test_pictures_beyond_the_window_are_refused_with_the_figures(glancing: WorkerDriver) -> None:
    many = CONTEXT // PATCHES + 1
    refused(look(glancing, *[RED] * many), "prompt_too_large", "with what is attached", str(CONTEXT))
    done(look(glancing, RED))


def test_old_turns_with_pictures_make_room(glancing: WorkerDriver) -> None:
    pictures = [RED] * (CONTEXT // PATCHES)
    turns = [
        message
        for place in range(len(pictures))
        for message in (
            Message("user", [Image("image/png", frame=place + 1), Text("and this?")]),
            Message("assistant", "grey"),
        )
    ][:-1]
    answer = glancing.do(Generate(next(KEYS), turns, GREEDY), *pictures)
    assert done(answer).usage.prompt_tokens < CONTEXT
    assert answer.trimmed is not None


def test_pictures_wait_for_room_in_the_shared_window(glancing: WorkerDriver) -> None:
    """Any two of them have more tokens than the window: none is aborted."""
    pictures, tokens = [RED, BLUE, RED, BLUE], 30
    assert 2 * (len(pictures) * PATCHES + tokens) > CONTEXT
    options = msgspec.structs.replace(LONG, max_tokens=tokens)
    keys = [next(KEYS) for _ in range(4)]
    for key in keys:
        glancing.answers[key] = Answer()
        glancing.send(Generate(key, shown(*pictures), options), *pictures)
    glancing.finish(keys)
    for key in keys:
        assert done(glancing.answers[key]).usage.completion_tokens == tokens


def test_a_cancel_while_a_picture_is_looked_at(glancing: WorkerDriver) -> None:
    key = next(KEYS)
    glancing.answers[key] = Answer()
    pictures = [odd.plain(f"rgb(9, 9, {shade})") for shade in range(5)]
    glancing.send(Generate(key, shown(*pictures), LONG), *pictures)
    glancing.cancel(key)
    glancing.finish([key])
    assert isinstance(glancing.answers[key].end, GenerationCancelled)
    done(look(glancing, RED))


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"no picture at all", "image_invalid", "none of"),
        (RED[:50] + b"\0" * 40, "image_invalid", "cannot read a picture"),
    ],
)
def test_what_is_no_picture_ends_its_own_request_only(
    glancing: WorkerDriver, data: bytes, code: str, says: str
) -> None:
    refused(look(glancing, data), code, says)
    done(look(glancing, RED))


def test_odd_pictures_are_seen_or_refused_as_such(glancing: WorkerDriver) -> None:
    one = GenerationOptions(temperature=0.0, max_tokens=1)
    for data in (odd.four_inks(), odd.see_through(), odd.deep_grey(0x8000), odd.moving("GIF"), odd.turned()):
        done(look(glancing, data, options=one))
    for what, data in odd.cut_off():
        answer = look(glancing, data, options=one)
        if isinstance(answer.end, GenerationFailed):
            wanted = "unsupported" if "WEBP" in what else "image_invalid"
            assert answer.end.failure.code == wanted, (what, answer.end)
    refused(look(glancing, odd.plain("red", "WEBP")), "unsupported", "WebP")


def test_a_picture_that_is_read_as_a_whole_is_not_cut_into_chunks(starter_model: Path) -> None:
    """Gemma's kind: every token of a picture looks at all others, whatever the size of a chunk."""
    seen = []
    for chunk in (8, 512):
        with loaded(starter_model, "gemma3", chunk=chunk) as (driver, ready):
            assert isinstance(ready, Ready)
            seen.append(look(driver, RED))
    assert not differs(*seen)


# Loads.


def test_the_same_file_without_its_projector_is_blind(starter_model: Path, tmp_path: Path) -> None:
    (tmp_path / "m.gguf").symlink_to(starter_model)
    projectors.save(tmp_path / "mmproj-m.gguf")
    for options, sees in (({}, True), ({"mmproj": "off"}, False)):
        with loaded(tmp_path / "m.gguf", "", **options) as (driver, ready):
            assert isinstance(ready, Ready)
            assert ("images" in ready.abilities) is sees
            if not sees:
                refused(look(driver, RED), "unsupported", "look at images")


def test_a_projector_of_another_model_beside_it_is_left_alone(starter_model: Path, tmp_path: Path) -> None:
    (tmp_path / "m.gguf").symlink_to(starter_model)
    projectors.save(tmp_path / "mmproj-other.gguf", width=512)
    with loaded(tmp_path / "m.gguf", "") as (_, ready):
        assert isinstance(ready, Ready)
        assert "images" not in ready.abilities


def test_what_llamacpp_cannot_read_is_given_to_no_other_program(
    starter_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would have ffprobe look at it."""
    program = tmp_path / "ffprobe"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with loaded(starter_model, "mlp") as (driver, _):
        refused(look(driver, RED[:50] + bytes(40)), "image_invalid")
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path, model: projectors.save(path, width=512), "512 numbers per token, and this one has 576"),
        (lambda path, model: projectors.save(path, "idefics3"), "do not fit: Invalid token"),
        (lambda path, model: path.symlink_to(model), "is no projector"),
        (lambda path, model: path.write_bytes(b"GGUF" + bytes(4000)), "unsupported GGUF version"),
        (lambda path, model: None, "there is no projector"),
    ],
)
def test_a_projector_that_does_not_fit_is_refused_at_the_load(
    starter_model: Path, tmp_path: Path, make: object, says: str
) -> None:
    assert callable(make)
    make(tmp_path / "eye.gguf", starter_model)
    with loaded(starter_model, "", mmproj=str(tmp_path / "eye.gguf")) as (_, failed):
        assert isinstance(failed, LoadFailed)
        assert failed.failure.code == "model_invalid"
        assert says in failed.failure.message


def test_a_projector_alone_is_no_model(tmp_path: Path) -> None:
    with loaded(projectors.save(tmp_path / "eye.gguf"), "") as (_, failed):
        assert isinstance(failed, LoadFailed)
        assert failed.failure.code == "model_invalid"
        assert "only the part of a model that sees" in failed.failure.message


# Sounds.


def tone(hertz: int, seconds: float = 0.5) -> bytes:
    rate = 16_000
    samples = [int(9000 * math.sin(turn * hertz * 2 * math.pi / rate)) for turn in range(int(rate * seconds))]
    data = struct.pack(f"<{len(samples)}h", *samples)
    form = struct.pack("<4sIHHIIHH4sI", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16, b"data", len(data))
    return struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data), b"WAVE") + form + data


def hear(driver: WorkerDriver, data: bytes, options: GenerationOptions = GREEDY) -> Answer:
    said = [Message("user", [Audio("audio/wav", frame=1), Text("what is it?")])]
    return driver.do(Generate(next(KEYS), said, options), data)


def test_sounds_are_heard(hearing: WorkerDriver) -> None:
    low, high, again = hear(hearing, tone(300)), hear(hearing, tone(3000)), hear(hearing, tone(300))
    assert not differs(low, again)
    assert differs(low, high)
    assert done(low).usage.prompt_tokens > projectors.SOUND
    refused(look(hearing, RED), "unsupported", "look at images")


def test_an_answer_with_a_given_beginning_hears(hearing: WorkerDriver) -> None:
    begun = msgspec.structs.replace(GREEDY, prefill="It is")
    plain = done(hear(hearing, tone(500))).usage
    goes_on, other = hear(hearing, tone(500), begun), hear(hearing, tone(700), begun)
    assert goes_on.text.startswith("It is")
    assert done(goes_on).usage.cached_tokens >= plain.prompt_tokens - 2
    assert done(other).usage.cached_tokens < projectors.SOUND


def test_what_is_no_sound_is_refused(hearing: WorkerDriver) -> None:
    video = struct.pack(">I4s4s", 24, b"ftyp", b"isom") + bytes(400)
    refused(hear(hearing, video), "bad_request", "a sound is none")
    refused(hear(hearing, b"RIFF\x99\0\0\0WAVE" + b"\x55" * 400), "bad_request", "cannot read a sound")
    assert hear(hearing, tone(300)).text


def test_a_model_that_sees_does_not_hear(seeing: WorkerDriver) -> None:
    refused(hear(seeing, tone(300)), "unsupported", "listen to sound")
