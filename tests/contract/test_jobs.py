"""Jobs of every kind, asked of a real worker process: parts, tools, schemas, vectors, counts."""

import json
import math
import re
import struct
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import msgspec
import pytest

from ai_pal.protocol.content import Document, Image, Message, Text, ToolCall, ToolResult
from ai_pal.protocol.options import GenerationOptions, JsonSchema, NamedTool, Tool
from ai_pal.protocol.worker import (
    CompleteText,
    Counted,
    CountTokens,
    Embedded,
    EmbedTexts,
    Generate,
    GenerationDone,
    GenerationFailed,
    LoadModel,
    Ready,
    Reranked,
    RerankTexts,
)
from tests.worker_driver import Answer, WorkerDriver

CLOCK = Tool("clock", "Tells the time.", {"type": "object", "properties": {"city": {"type": "string"}}})
DICE = Tool("dice", "Throws a die.", {"type": "object", "properties": {"sides": {"type": "integer"}}})
TOOLS = GenerationOptions(tools=[CLOCK, DICE])
KEYS = count(1)


@pytest.fixture(scope="module")
def echo() -> Iterator[WorkerDriver]:
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder)) as driver:
        assert isinstance(driver.load(LoadModel("echo", "echo", slots=4)), Ready)
        yield driver


def chat(
    driver: WorkerDriver, said: str | list[Message], options: GenerationOptions, *blobs: bytes
) -> Answer:
    messages = [Message("user", said)] if isinstance(said, str) else said
    return driver.do(Generate(next(KEYS), messages, options), *blobs)


def done(answer: Answer) -> GenerationDone:
    assert isinstance(answer.end, GenerationDone), answer.end
    return answer.end


def code(answer: Answer) -> str:
    assert isinstance(answer.end, GenerationFailed)
    return answer.end.failure.code


def test_echo_calls_the_tools_that_it_is_told_of(echo: WorkerDriver) -> None:
    answer = chat(echo, "ask clock and dice", TOOLS)
    assert done(answer).finish_reason == "tool_calls"
    first, second = answer.of_kind("tool_call")
    assert (first.name, json.loads(first.text)) == ("clock", {"city": "clock"})
    assert (second.name, json.loads(second.text)) == ("dice", {"sides": 0})
    assert first.call != second.call


def test_echo_says_what_came_of_a_call(echo: WorkerDriver) -> None:
    asked = Message("assistant", [ToolCall("a", "clock", "{}")])
    messages = [Message("user", "ask clock"), asked, Message("tool", [ToolResult("a", "ten past")])]
    answer = chat(echo, messages, TOOLS)
    assert (answer.text.split(), done(answer).finish_reason) == (["ten", "past"], "stop")


@pytest.mark.parametrize(
    ("choice", "names"), [("none", []), ("required", ["clock"]), (NamedTool("dice"), ["dice"])]
)
def test_echo_minds_the_choice(echo: WorkerDriver, choice: object, names: list[str]) -> None:
    answer = chat(echo, "hello", msgspec.structs.replace(TOOLS, tool_choice=choice))
    assert [part.name for part in answer.of_kind("tool_call")] == names


def test_echo_thinks_apart_where_it_shall(echo: WorkerDriver) -> None:
    answer = chat(echo, "red green", GenerationOptions(thinking="on"))
    (thought,) = answer.of_kind("reasoning")
    assert "red" in thought.text
    assert answer.text.split() == ["red", "green"]
    assert list(answer.grown) == [0, 1]


def test_echo_answers_in_json(echo: WorkerDriver) -> None:
    schema = {"type": "object", "properties": {"said": {"type": "string"}, "count": {"minimum": 3}}}
    answer = chat(echo, "red green", GenerationOptions(response_format=JsonSchema(schema)))
    assert json.loads(answer.text)["said"] == "red green"


def test_echo_tells_probabilities(echo: WorkerDriver) -> None:
    answer = chat(echo, "red green", GenerationOptions(logprobs=2, thinking="on"))
    tokens = done(answer).usage.completion_tokens
    assert sorted(answer.logprobs) == list(range(tokens))
    assert all(len(one.top) == 2 for one in answer.logprobs.values())


def test_echo_goes_on_from_a_prefill(echo: WorkerDriver) -> None:
    assert chat(echo, "red", GenerationOptions(prefill="Sure: ")).text == "Sure: red "


def test_echo_completes_and_fills_in(echo: WorkerDriver) -> None:
    assert echo.do(CompleteText(next(KEYS), "one two")).text.split() == ["one", "two"]
    assert echo.do(CompleteText(next(KEYS), "one", "three")).text == "between "


def test_echo_embeds(echo: WorkerDriver) -> None:
    end = echo.do(EmbedTexts(next(KEYS), ["red green", "green red", "blue"], 4)).end
    assert isinstance(end, Embedded)
    assert end.dimensions == 4
    first, second, third = (struct.unpack_from("<4f", end.vectors, at * 16) for at in range(3))
    assert first == second != third
    assert all(math.isclose(math.hypot(*one), 1.0, rel_tol=1e-5) for one in (first, second, third))


def test_echo_reranks(echo: WorkerDriver) -> None:
    end = echo.do(RerankTexts(next(KEYS), "red green", ["blue", "red", "red green"])).end
    assert isinstance(end, Reranked)
    assert end.scores == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("options", [GenerationOptions(), TOOLS])
def test_what_echo_counts_is_what_it_reads(echo: WorkerDriver, options: GenerationOptions) -> None:
    messages = [Message("user", [Text("one two "), Document("notes", "three"), Image("image/png", frame=1)])]
    counted = echo.do(CountTokens(next(KEYS), messages, options), b"12345").end
    assert isinstance(counted, Counted)
    answer = chat(echo, messages, options, b"12345")
    assert counted.tokens == done(answer).usage.prompt_tokens


def test_attachments_come_in_frames_or_inline(echo: WorkerDriver) -> None:
    parts = [Image("image/png", frame=2), Image("image/gif", b"123"), Image("image/jpeg", frame=1)]
    said = chat(echo, [Message("user", [*parts])], GenerationOptions(), b"1", b"22").text
    assert re.findall(r"image/\w+: \d", said) == ["image/png: 2", "image/gif: 3", "image/jpeg: 1"]


def test_a_frame_that_is_missing_is_the_requests_failure_only(echo: WorkerDriver) -> None:
    answer = chat(echo, [Message("user", [Image("image/png", frame=2)])], GenerationOptions(), b"1")
    assert code(answer) == "bad_request"
    assert chat(echo, "red", GenerationOptions()).text == "red "


def test_a_request_behind_the_frames_of_another_is_read(echo: WorkerDriver) -> None:
    key, other = next(KEYS), next(KEYS)
    echo.answers[other] = Answer()
    behind = msgspec.msgpack.encode(Generate(other, [Message("user", "second")]))
    echo.do(Generate(key, [Message("user", [Image("image/png", frame=1)])]), b"1", behind)
    echo.finish([other])
    assert echo.answers[other].text == "second "


@pytest.mark.parametrize(
    ("job", "what"),
    [
        (Generate(1, [Message("user", "x")], TOOLS), "call tools"),
        (Generate(2, [Message("user", "x")], GenerationOptions(thinking="low")), "think"),
        (Generate(3, [Message("user", "x")], GenerationOptions(logprobs=0)), "probable"),
        (
            Generate(4, [Message("user", "x")], GenerationOptions(response_format=JsonSchema({}))),
            "JSON schema",
        ),
        (Generate(5, [Message("user", [Image("image/png", b"x")])]), "images"),
        (CompleteText(6, "x"), "raw text"),
        (CompleteText(7, "x", "y"), "fill in"),
        (EmbedTexts(8, ["x"]), "vectors"),
        (RerankTexts(9, "x", ["y"]), "query"),
        (CountTokens(10, [Message("user", "x")], TOOLS), "call tools"),
    ],
)
def test_what_a_model_cannot_do_is_refused_by_name(job: Generate, what: str, chatter: WorkerDriver) -> None:
    answer = chatter.do(job)
    assert code(answer) == "unsupported"
    assert isinstance(answer.end, GenerationFailed)
    assert what in answer.end.failure.message
    assert not answer.end.failure.retryable


@pytest.fixture(scope="module")
def chatter() -> Iterator[WorkerDriver]:
    """It can hold a conversation and nothing else."""
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder)) as driver:
        ready = driver.load(LoadModel("chatter", "echo", options={"abilities": "chat"}))
        assert isinstance(ready, Ready)
        assert ready.abilities == ["chat"]
        yield driver
