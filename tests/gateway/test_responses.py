"""OpenAI's responses, asked by its own SDK: streams and wholes, and what is kept of them."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests import pictures
from tests.gateway import plain_http

TOOL: Any = {
    "type": "function",
    "name": "weather",
    "description": "Tells the weather of a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 8}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
ELSEWHERE: Any = [{"type": "web_search"}, {"type": "namespace", "name": "x", "description": "", "tools": []}]


class City(BaseModel):
    name: str
    size: int


@pytest.fixture(scope="module")
def client(gateway: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway}/v1", api_key="none", max_retries=0, timeout=120) as client:
        yield client


def test_an_answer_comes_as_a_whole_and_repeats_what_was_asked(client: openai.OpenAI) -> None:
    answer = client.responses.create(
        model="echo",
        input="good morning",
        metadata={"a": "b"},
        temperature=0.5,
        include=["reasoning.encrypted_content"],
        tools=ELSEWHERE,
    )
    assert answer.output_text == "good morning "
    assert answer.status == "completed"
    assert (answer.metadata, answer.temperature, answer.store) == ({"a": "b"}, 0.5, True)
    assert answer.usage is not None
    assert answer.usage.total_tokens == 4
    assert answer.usage.output_tokens_details.reasoning_tokens == 0


def test_an_answer_comes_as_numbered_events(client: openai.OpenAI) -> None:
    events = list(client.responses.create(model="echo", input="good morning", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type.removeprefix("response.") for event in events]
    pieces = kinds.count("output_text.delta")
    assert kinds == [
        *("created", "in_progress", "output_item.added", "content_part.added"),
        *["output_text.delta"] * pieces,
        *("output_text.done", "content_part.done", "output_item.done", "completed"),
    ]
    first, last = events[0], events[-1]
    assert first.type == "response.created"
    assert first.response.output == []
    assert last.type == "response.completed"
    assert last.response.output_text == "good morning "
    assert last.response.id == first.response.id


def test_its_helper_follows_a_stream(client: openai.OpenAI) -> None:
    with client.responses.stream(model="echo", input=[{"role": "user", "content": "hi you"}]) as stream:
        answer = stream.get_final_response()
    assert answer.output_text == "hi you "


def test_an_answer_that_is_cut_off_is_incomplete(client: openai.OpenAI) -> None:
    answer = client.responses.create(model="echo", input="one two three", max_output_tokens=1)
    assert answer.status == "incomplete"
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "max_output_tokens"
    events = list(
        client.responses.create(model="echo", input="one two three", max_output_tokens=1, stream=True)
    )
    assert events[-1].type == "response.incomplete"


def test_a_real_model_fills_in_a_form(client: openai.OpenAI) -> None:
    answer = client.responses.parse(
        model="smollm2", input="Name a city and its size.", text_format=City, max_output_tokens=120
    )
    assert answer.output_parsed is not None


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("key", ["size", "type"])
def test_a_call_or_an_answer_in_a_form_comes_of_functions_beside_it(
    client: openai.OpenAI, key: str, stream: bool
) -> None:
    """As OpenAI's Agents SDK sends them. The starter would rather call than tell a size; a type it would
    tell."""
    schema = {
        "type": "object",
        "properties": {key: {"enum": [1, 2]}},
        "required": [key],
        "additionalProperties": False,
    }
    asked: dict[str, Any] = {
        "model": "caller",
        "input": "How is the weather in Rome?",
        "tools": [TOOL],
        "text": {"format": {"type": "json_schema", "name": "s", "schema": schema}},
        "max_output_tokens": 80,
        "temperature": 0,
    }
    if stream:
        last = list(client.responses.create(**asked, stream=True))[-1]
        assert last.type == "response.completed"
        answer = last.response
    else:
        answer = client.responses.create(**asked)
    [item] = answer.output
    if item.type == "function_call":
        assert set(json.loads(item.arguments)) == {"city"}
    else:
        assert item.type == "message"
        assert json.loads(answer.output_text)[key] in (1, 2)


def test_a_function_is_called_and_its_result_taken(client: openai.OpenAI) -> None:
    asked: Any = [{"role": "user", "content": "How is the weather in Rome?"}]
    with client.responses.stream(
        model="caller",
        instructions="Be brief.",
        input=asked,
        tools=[TOOL, *ELSEWHERE],
        tool_choice={"type": "function", "name": "weather"},
        max_output_tokens=80,
    ) as stream:
        kinds = {event.type for event in stream}
        answer = stream.get_final_response()
    assert {"response.function_call_arguments.delta", "response.function_call_arguments.done"} <= kinds
    call = answer.output[-1]
    assert call.type == "function_call"
    assert call.name == "weather"
    assert set(json.loads(call.arguments)) == {"city"}
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    again = client.responses.create(
        model="caller", previous_response_id=answer.id, input=[result], tools=[TOOL], max_output_tokens=8
    )
    assert again.previous_response_id == answer.id
    assert again.output
    history: Any = [*asked, {"type": "item_reference", "id": call.id}, result]
    sent = client.responses.create(model="caller", input=history, tools=[TOOL], max_output_tokens=8)
    assert sent.usage is not None
    assert again.usage is not None
    assert sent.usage.input_tokens == again.usage.input_tokens


def test_a_conversation_goes_on_as_if_all_of_it_was_sent(client: openai.OpenAI) -> None:
    first = client.responses.create(model="echo", instructions="left behind", input="one two")
    second = client.responses.create(model="echo", previous_response_id=first.id, input="three")
    history: Any = [
        {"role": "user", "content": "one two"},
        {"role": "assistant", "content": first.output_text},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "three"}]},
    ]
    sent = client.responses.create(model="echo", input=history)
    assert second.output_text == sent.output_text
    assert second.usage == sent.usage
    kept = client.responses.retrieve(second.id)
    assert kept.output_text == second.output_text
    listed = client.responses.input_items.list(second.id)
    assert [item.content[0].text for item in listed.data] == ["three"]
    pages = client.responses.input_items.list(sent.id, order="asc", limit=1)
    assert [getattr(item, "role", "") for item in pages] == ["user", "assistant", "user"]
    with pytest.raises(openai.BadRequestError, match="background"):
        client.responses.cancel(second.id)
    client.responses.delete(first.id)
    assert client.responses.create(model="echo", previous_response_id=second.id, input="four").output_text


def test_what_is_not_kept_is_not_found(client: openai.OpenAI) -> None:
    answer = client.responses.create(model="echo", input="hi", store=False)
    for gone in (answer.id, "resp_none"):
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(gone)
        with pytest.raises(openai.NotFoundError):
            client.responses.delete(gone)
        with pytest.raises(openai.BadRequestError) as caught:
            client.responses.create(model="echo", previous_response_id=gone, input="hi")
        assert caught.value.param == "previous_response_id"
        assert caught.value.code == "previous_response_not_found"


def test_a_turn_of_codex_is_taken(client: openai.OpenAI) -> None:
    said: Any = [
        {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}
        for role, text in (("developer", "<permissions>"), ("user", "<environment>"), ("user", "say hi"))
    ]
    tools: Any = [TOOL, *ELSEWHERE, {"type": "custom", "name": "apply_patch", "description": ""}]
    events = client.responses.create(
        model="echo",
        instructions="You are Codex.",
        input=said,
        tools=tools,
        tool_choice="auto",
        parallel_tool_calls=False,
        reasoning={"effort": "medium", "summary": "auto"},
        store=False,
        stream=True,
        include=["reasoning.encrypted_content"],
        prompt_cache_key="key",
        text={"verbosity": "medium"},
        extra_body={"client_metadata": {"x": "y"}},
    )
    last = list(events)[-1]
    assert last.type == "response.completed"
    assert [item.type for item in last.response.output] == ["reasoning", "message"]


@pytest.mark.parametrize("stream", [True, False])
def test_an_empty_input_is_answered_with_nothing(client: openai.OpenAI, gateway: str, stream: bool) -> None:
    body = {"model": "echo", "instructions": "You are Codex.", "input": [], "tools": [], "stream": stream}
    said = plain_http.post(f"{gateway}/v1/responses", json=body)
    assert said.status_code == 200
    if stream:
        assert said.headers["content-type"].startswith("text/event-stream")
        assert '"type":"response.completed"' in said.text.strip().split("\n")[-1]
    else:
        assert said.json()["output"] == []


def test_pictures_and_files_come_within_the_input(client: openai.OpenAI) -> None:
    def asked(*parts: dict[str, Any]) -> Any:
        return [{"role": "user", "content": [*parts, {"type": "input_text", "text": "What is it?"}]}]

    url = "data:image/png;base64," + base64.b64encode(pictures.png(8, 8)).decode()
    with pytest.raises(openai.BadRequestError, match="image"):
        client.responses.create(model="smollm2", input=asked({"type": "input_image", "image_url": url}))
    text = base64.b64encode(b"in the file").decode()
    file = {"type": "input_file", "filename": "a.txt", "file_data": f"data:text/plain;base64,{text}"}
    assert "in the file" in client.responses.create(model="echo", input=asked(file)).output_text


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"background": True, "store": False}, "background"),
        ({"temperature": 99.0}, "temperature"),
        ({"truncation": "some"}, "truncation"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"include": ["everything"]}, "include[0]"),
        ({"reasoning": {"mode": "pro"}}, "reasoning.mode"),
        ({"reasoning": {"context": "current_turn"}}, "reasoning.context"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice.type"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"input": [{"role": "nobody", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "http://x/y"}]}]},
         "input[0].content[0].image_url"),
        ({"input": [{"type": "item_reference", "id": "msg_none"}]}, "input[0].id"),
        ({"input": [{"type": "computer_call"}]}, "input[0].type"),
        ({"no_such_field": 1}, "no_such_field"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(
    client: openai.OpenAI, wrong: dict[str, object], param: str | None
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/responses", body={"model": "echo", "input": "x", **wrong}, cast_to=object)
    assert caught.value.param == param


def test_an_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    for stream in (True, False):
        with pytest.raises(openai.NotFoundError):
            client.responses.create(model="no-such-model", input="x", stream=stream)


def test_thoughts_are_items_and_are_taken_back(client: openai.OpenAI) -> None:
    with client.responses.stream(model="echo", input="one two", reasoning={"effort": "high"}) as stream:
        answer = stream.get_final_response()
    thought, said = answer.output
    assert thought.type == "reasoning"
    assert thought.content
    assert thought.content[0].text == "I think about one two "
    assert said.type == "message"
    assert answer.usage is not None
    assert answer.usage.output_tokens_details.reasoning_tokens > 0
    summed = client.responses.create(
        model="echo", input="one two", reasoning={"effort": "low", "summary": "auto"}
    )
    assert summed.output[0].type == "reasoning"
    assert summed.output[0].summary[0].text == "I think about one two "
    history: Any = [
        {"role": "user", "content": "one two"},
        *[item.to_dict() for item in summed.output],
        {"role": "user", "content": "three"},
    ]
    off = client.responses.create(model="echo", input=history, reasoning={"effort": "none"})
    assert [item.type for item in off.output] == ["message"]
