"""OpenAI's own SDK against the gateway."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests import pictures
from tests.gateway import plain_http

TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 8}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


NONE = {"type": "nothing"}


class City(BaseModel):
    name: str
    size: int


@pytest.fixture(scope="module")
def client(gateway: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway}/v1", api_key="none", max_retries=0, timeout=120) as client:
        yield client


def test_an_answer_comes_as_a_whole(client: openai.OpenAI) -> None:
    said = client.chat.completions.with_raw_response.create(
        model="echo", messages=[{"role": "user", "content": "good morning"}]
    )
    answer = said.parse()
    assert answer.choices[0].message.content == "good morning "
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 4
    assert said.headers["x-ai-pal-model"] == "echo"
    assert said.headers["x-ai-pal-left-machine"] == "no"


def test_an_answer_comes_in_pieces(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="echo",
            messages=[{"role": "user", "content": "good morning"}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    *body, end, usage = chunks
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert [chunk.choices[0].delta.role for chunk in body].count("assistant") == 1
    assert body[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in body) == "good morning "
    assert {chunk.choices[0].finish_reason for chunk in body} == {None}
    assert end.choices[0].finish_reason == "stop"
    assert end.choices[0].delta.content is None
    assert usage.choices == []
    assert usage.usage is not None
    assert usage.usage.completion_tokens == 2


def test_a_real_model_fills_in_a_form(client: openai.OpenAI) -> None:
    answer = client.chat.completions.parse(
        model="smollm2",
        messages=[{"role": "user", "content": "Name a city and its size."}],
        response_format=City,
        max_tokens=120,
    )
    assert answer.choices[0].message.parsed is not None


def test_a_call_that_has_to_be_made_comes_in_pieces_too(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(
        model="caller",
        messages=[{"role": "user", "content": "How is the weather in Rome?"}],
        tools=[TOOL],
        tool_choice="required",
        max_tokens=80,
    ) as stream:
        answer = stream.get_final_completion()
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls
    call = choice.message.tool_calls[0]
    assert call.function.name == "weather"
    assert set(json.loads(call.function.arguments)) == {"city"}


@pytest.mark.parametrize("key", ["size", "type"])
def test_a_call_or_an_answer_in_a_form_comes_of_tools_beside_it(client: openai.OpenAI, key: str) -> None:
    """As agents with typed output send them. The starter would rather call than tell a size; a type it would
    tell."""
    schema = {
        "type": "object",
        "properties": {key: {"enum": [1, 2]}},
        "required": [key],
        "additionalProperties": False,
    }
    asked: dict[str, Any] = {
        "model": "caller",
        "messages": [{"role": "user", "content": "How is the weather in Rome?"}],
        "tools": [TOOL],
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}},
        "max_tokens": 80,
        "temperature": 0,
    }
    with client.chat.completions.stream(**asked) as stream:
        answer = stream.get_final_completion()
    for choice in (answer.choices[0], client.chat.completions.create(**asked).choices[0]):
        if choice.finish_reason == "tool_calls":
            assert choice.message.tool_calls
            assert set(json.loads(choice.message.tool_calls[0].function.arguments)) == {"city"}
            assert not choice.message.content
        else:
            assert choice.finish_reason == "stop"
            assert json.loads(choice.message.content or "")[key] in (1, 2)
            assert not choice.message.tool_calls


def test_probabilities_are_told(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="smollm2",
        messages=[{"role": "user", "content": "Hi"}],
        max_tokens=4,
        logprobs=True,
        top_logprobs=2,
    )
    said = answer.choices[0].logprobs
    assert said is not None
    assert said.content
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in said.content)


def test_a_text_is_gone_on_with(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="smollm2", prompt="One, two, three,", max_tokens=5, echo=True)
    assert answer.choices[0].text.startswith("One, two, three,")
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5
    pieces = client.completions.create(model="smollm2", prompt="One, two,", max_tokens=5, stream=True)
    assert [piece.choices[0].finish_reason for piece in pieces][-1] == "length"


def test_models_are_listed_and_told(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert "smollm2" in names
    assert client.models.retrieve("smollm2").id == "smollm2"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no/such-model")


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 99.0}, "temperature"),
        ({"n": 129}, "n"),
        ({"n": 0}, "n"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "nobody", "content": ""}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/y"}}]}]},
         "messages[0].content[0].image_url.url"),
        ({"no_such_field": 1}, None),
        ({"reasoning_effort": "none", "think": True}, "reasoning_effort"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "other"}}}, None),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": NONE}}}, None),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_as_openai_says_it(
    client: openai.OpenAI, wrong: dict[str, object], param: str | None
) -> None:
    body = {"model": "echo", "messages": [{"role": "user", "content": "x"}], **wrong}
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/chat/completions", body=body, cast_to=object)
    assert caught.value.type == "invalid_request_error"
    if param is not None:
        assert caught.value.param == param


def test_a_picture_for_a_blind_model_is_refused(client: openai.OpenAI) -> None:
    url = "data:image/png;base64," + base64.b64encode(pictures.png(8, 8)).decode()
    with pytest.raises(openai.BadRequestError, match="image"):
        client.chat.completions.create(
            model="smollm2",
            messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}],
        )


def test_an_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="no-such-model", messages=[{"role": "user", "content": "x"}])
    assert caught.value.code == "model_not_found"


def test_a_header_keeps_the_prompt_here(client: openai.OpenAI) -> None:
    with pytest.raises(openai.PermissionDeniedError, match="local"):
        client.chat.completions.create(
            model="openai:gpt-4.1",
            messages=[{"role": "user", "content": "x"}],
            extra_headers={"x-ai-pal-local-only": "1"},
        )
    with pytest.raises(openai.BadRequestError, match="x-ai-pal-local-onyl"):
        client.models.with_raw_response.list(extra_headers={"x-ai-pal-local-onyl": "1"})


def test_several_answers_come_side_by_side(client: openai.OpenAI) -> None:
    asked: Any = {"model": "echo", "messages": [{"role": "user", "content": "good morning"}], "n": 3}
    answer = client.chat.completions.create(**asked)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert {choice.message.content for choice in answer.choices} == {"good morning "}
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (2, 6)
    with client.chat.completions.stream(**asked, stream_options={"include_usage": True}) as stream:
        chunks = [event.chunk for event in stream if event.type == "chunk"]
        whole = stream.get_final_completion()
    assert [choice.message.content for choice in whole.choices] == ["good morning "] * 3
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert sum(bool(chunk.choices and chunk.choices[0].finish_reason) for chunk in chunks) == 3
    assert chunks[-1].usage is not None
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (2, 6)


def test_each_answer_has_a_seed_of_its_own(client: openai.OpenAI) -> None:
    def said(**how: Any) -> list[str]:
        answer = client.completions.create(
            model="smollm2", prompt="My friend is called", max_tokens=1, temperature=2.0, **how
        )
        return [choice.text for choice in answer.choices]

    # What is computed together differs in the last digit, and now and then in what is chosen.
    seeds = range(0, 30, 3)
    together = [text for seed in seeds for text in said(n=3, seed=seed)[1:]]
    alone = [text for seed in seeds for more in (1, 2) for text in said(seed=seed + more)]
    assert sum(a == b for a, b in zip(together, alone, strict=True)) >= 10, (together, alone)


def test_several_texts_are_gone_on_with(client: openai.OpenAI) -> None:
    prompts = ["One, two,", "The capital of France is"]
    how: Any = {"model": "smollm2", "max_tokens": 3, "temperature": 0.0, "echo": True}
    answer = client.completions.create(prompt=prompts, n=2, **how)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    for choice in answer.choices:
        assert choice.text.startswith(prompts[choice.index // 2])
    texts = ["", ""]
    for chunk in client.completions.create(prompt=prompts, stream=True, **how):
        texts[chunk.choices[0].index] += chunk.choices[0].text
    assert texts == [answer.choices[0].text, answer.choices[2].text]
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(prompt=["x"] * 129, **how)
    assert caught.value.param == "prompt"


def test_calls_of_before_are_read_as_text_by_a_model_without_tools(gateway: str) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    talk = [
        {"role": "user", "content": "How is it?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "sunny"},
    ]
    of_ollama = [talk[0], {"role": "assistant", "tool_calls": [{"function": {"name": "weather"}}]}, talk[2]]
    items = [
        talk[0],
        {"type": "function_call", "call_id": "a", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "sunny"},
    ]
    for path, body in (
        ("/v1/chat/completions", {"messages": talk, "max_tokens": 2}),
        ("/v1/responses", {"input": items, "max_output_tokens": 16, "store": False}),
        ("/api/chat", {"messages": of_ollama, "stream": False, "options": {"num_predict": 2}}),
    ):
        answer = plain_http.post(gateway + path, json={"model": "smollm2", **body})
        assert answer.status_code == 200, answer.text
