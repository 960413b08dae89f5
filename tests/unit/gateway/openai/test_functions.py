"""Functions of before there were tools: the same question, and a call told as it was then."""

import json
from typing import Any

import msgspec
import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from ai_pal.client.answer import Answer
from ai_pal.gateway.openai import chat_request
from ai_pal.gateway.openai.chat_answer import ChatStream
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import ToolCall, ToolResult
from ai_pal.protocol.options import NamedTool, Tool

USER = {"role": "user", "content": "x"}
WEATHER = {"name": "weather", "description": "tells it", "parameters": {"type": "object"}}
CALLED: list[dict[str, Any]] = [
    USER,
    {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": "{}"}},
    {"role": "function", "name": "weather", "content": "sunny"},
]
CALLS: list[wire.AnyEvent] = [
    wire.Delta(1, 0, 1, "", "tool_call", 0, "a", "weather"),
    wire.Delta(1, 1, 1, '{"city": ', "tool_call", 0),
    wire.Delta(1, 2, 1, '"Rome"}', "tool_call", 0),
    wire.Delta(1, 3, 1, "{}", "tool_call", 1, "b", "weather"),
    wire.Done(1, "tool_calls"),
]


def read(**said: Any) -> chat_request.ChatBody:
    return chat_request.read(msgspec.json.encode({"model": "m", "messages": [USER], **said}))


def of_before() -> ChatStream:
    return ChatStream("chatcmpl-1", "m", 0, include_usage=False, functions=True)


@pytest.mark.parametrize(
    ("choice", "ours"),
    [
        ({}, None),
        ({"function_call": "auto"}, "auto"),
        ({"function_call": "none"}, "none"),
        ({"function_call": {"name": "weather"}}, NamedTool("weather")),
    ],
    ids=str,
)
def test_functions_are_tools_of_which_one_is_called(choice: dict[str, Any], ours: Any) -> None:
    how = chat_request.how(read(functions=[WEATHER], **choice))
    assert how["tools"] == [Tool("weather", "tells it", {"type": "object"})]
    assert how["tool_choice"] == ours
    assert how["parallel_tool_calls"] is False


def test_a_result_is_that_of_the_last_call_of_its_name() -> None:
    turns, _ = chat_request.messages_of(read(messages=[*CALLED, *CALLED, USER]))
    calls = [part.id for turn in turns for part in turn.parts if isinstance(part, ToolCall)]
    results = [part.id for turn in turns for part in turn.parts if isinstance(part, ToolResult)]
    assert calls == results == ["call_1", "call_4"]


@pytest.mark.parametrize(
    "said",
    [
        {"functions": [WEATHER], "tools": []},
        {"functions": [WEATHER], "tool_choice": "none"},
        {"functions": [WEATHER], "parallel_tool_calls": True},
        {"functions": []},
        {"function_call": "auto"},
        {"function_call": "required", "functions": [WEATHER]},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(BodyError) as refused:
        read(**said)
    assert refused.value.param == next(iter(said))


def test_results_of_no_call_are_refused() -> None:
    with pytest.raises(BodyError):
        chat_request.messages_of(read(messages=[CALLED[0], CALLED[2]]))


def test_a_call_without_its_result_is_told_of_by_the_name_it_was_sent_under() -> None:
    with pytest.raises(BodyError) as refused:
        chat_request.messages_of(read(messages=[*CALLED[:2], USER]))
    assert refused.value.param == "messages[1].function_call"
    assert "'weather'" in refused.value.failure.hint


def test_a_stream_tells_one_call_as_it_was_told_then() -> None:
    state = ChatCompletionStreamState[None]()
    for line in of_before().events(CALLS).decode().splitlines():
        if line.startswith("data: {"):
            state.handle_chunk(ChatCompletionChunk.model_validate_json(line.removeprefix("data: ")))
    (choice,) = state.current_completion_snapshot.choices
    assert choice.finish_reason == "function_call"
    assert choice.message.tool_calls is None
    assert choice.message.function_call is not None
    assert choice.message.function_call.name == "weather"
    assert json.loads(choice.message.function_call.arguments) == {"city": "Rome"}


def test_a_whole_answer_tells_the_same() -> None:
    answer = Answer()
    for event in CALLS:
        answer.take(event)
    (choice,) = ChatCompletion.model_validate_json(of_before().whole(answer)).choices
    assert choice.finish_reason == "function_call"
    assert choice.message.tool_calls is None
    assert choice.message.function_call is not None
    assert json.loads(choice.message.function_call.arguments) == {"city": "Rome"}
