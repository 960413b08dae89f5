"""Silence of a stream is broken by a chunk that says nothing, and that OpenAI's own types know."""

import json
from typing import Any

from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from ai_pal.gateway.asking.asked import Tells
from ai_pal.gateway.openai.chat_answer import ChatStream
from ai_pal.gateway.openai.choices import Choices
from ai_pal.gateway.openai.completion_answer import CompletionStream
from ai_pal.protocol import client as wire

LOADING = wire.Loading(1, "m", 0.5)
TEXT: list[wire.AnyEvent] = [wire.Delta(1, 0, 1, "Hi"), wire.Done(1, "stop")]


def chunks(data: bytes) -> list[Any]:
    blocks = [block for block in data.decode().split("\n\n") if block.startswith("data: {")]
    return [json.loads(block.removeprefix("data: ")) for block in blocks]


def told(writer: Tells) -> list[Any]:
    """The chunks of an answer that is silent before, in and behind its text."""
    first = writer.alive(LOADING)
    assert first.startswith(b": loading m, 50%\n\ndata: {")
    found = [first, writer.alive(None), writer.events(TEXT[:1]), writer.alive(None)]
    assert [len(chunks(found[at])) for at in (0, 1, 3)] == [1, 1, 1]
    return chunks(b"".join([*found, writer.events(TEXT[1:])]))


def test_chunks_of_chats_that_say_nothing_change_no_answer() -> None:
    found = told(ChatStream("chatcmpl-1", "small", 0, include_usage=False))
    assert [one["choices"][0]["delta"].get("role") for one in found[:2]] == ["assistant", None]
    state = ChatCompletionStreamState()
    for one in found:
        state.handle_chunk(ChatCompletionChunk.model_validate(one))
    assert state.get_final_completion().choices[0].message.content == "Hi"


def test_chunks_of_texts_that_say_nothing_change_no_text() -> None:
    stream = CompletionStream("cmpl-1", "small", 0, "Say: ", include_usage=False, index=0)
    assert "".join(one["choices"][0]["text"] for one in told(stream)) == "Say: Hi"


def test_of_several_one_that_goes_on_says_nothing() -> None:
    writers = [ChatStream("chatcmpl-1", "small", 0, include_usage=False, index=number) for number in range(2)]
    choices = Choices(writers, 2)
    found = [choices.alive(None), choices.events([wire.Delta(1, 0, 1, "Hi"), wire.Done(0, "stop")])]
    found.append(choices.alive(None))
    assert [[one["choices"][0]["index"] for one in chunks(data)] for data in found] == [[0], [1, 1, 0], [1]]
