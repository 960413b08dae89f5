"""Tests of several answers in one stream, as OpenAI's own reader of streams takes them."""

import itertools

import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from ai_pal.gateway.openai.chat_answer import ChatStream
from ai_pal.gateway.openai.choices import Choices
from ai_pal.protocol import client as wire


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_whichever_answer_speaks_first_each_is_at_its_place(order: tuple[int, ...]) -> None:
    writers = [ChatStream("chatcmpl-1", "small", 0, include_usage=False, index=number) for number in range(3)]
    choices, state = Choices(writers, 3), ChatCompletionStreamState()
    events: list[wire.AnyEvent] = [wire.Started(id=order[0], model="small", provider="local", tier=1)]
    events += [wire.Delta(id=number, seq=0, n=1, text=f"answer {number}") for number in order]
    events += [wire.Done(id=number, finish_reason="stop") for number in order]
    for event in events:
        for line in choices.events([event]).decode().splitlines():
            if line.startswith("data: {"):
                state.handle_chunk(ChatCompletionChunk.model_validate_json(line.removeprefix("data: ")))
    said = [choice.message.content for choice in state.get_final_completion().choices]
    assert said == ["answer 0", "answer 1", "answer 2"]
