"""Anthropic's own SDK against the gateway."""

import re
from collections.abc import Iterator

import anthropic
import pytest
from anthropic.types.thread_unsupported_request_error import ThreadUnsupportedRequestError

TOOL = {
    "name": "weather",
    "description": "Tells the weather of a city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 8}},
        "required": ["city"],
        "additionalProperties": False,
    },
}


def said(block: dict[str, object]) -> dict[str, object]:
    return {"role": "user", "content": [block]}


@pytest.fixture(scope="module")
def client(gateway: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway, api_key="none", max_retries=0, timeout=120) as client:
        yield client


def test_a_message_comes_as_a_whole(client: anthropic.Anthropic) -> None:
    message = client.messages.create(
        model="echo", max_tokens=50, messages=[{"role": "user", "content": "good morning"}]
    )
    assert [block.text for block in message.content if block.type == "text"] == ["good morning "]
    assert message.stop_reason == "end_turn"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (2, 2)


def test_a_message_comes_in_pieces(client: anthropic.Anthropic) -> None:
    with client.messages.stream(
        model="echo", max_tokens=50, messages=[{"role": "user", "content": "good morning"}]
    ) as stream:
        kinds = [event.type for event in stream]
        message = stream.get_final_message()
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert message.content[0].type == "text"
    assert message.content[0].text == "good morning "
    assert message.usage.output_tokens == 2


def test_a_tool_is_called_and_its_result_goes_back(client: anthropic.Anthropic) -> None:
    question: anthropic.types.MessageParam = {"role": "user", "content": "How is the weather in Rome?"}
    with client.messages.stream(
        model="caller",
        max_tokens=80,
        messages=[question],
        tools=[TOOL],
        tool_choice={"type": "any"},
    ) as stream:
        message = stream.get_final_message()
    assert message.stop_reason == "tool_use"
    [call] = [block for block in message.content if block.type == "tool_use"]
    assert set(call.input) == {"city"}
    answer = client.messages.create(
        model="caller",
        max_tokens=20,
        tools=[TOOL],
        messages=[
            question,
            {"role": "assistant", "content": message.content},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "Sunny"}],
            },
        ],
    )
    assert answer.usage.output_tokens > 0


def test_its_sdk_runs_tools_without_a_thread(client: anthropic.Anthropic) -> None:
    """It begins one, is told that none is kept here, and sends all that was said from then on."""
    asked = []

    def weather(city: str) -> str:
        """Tells the weather.

        Args:
            city: where
        """
        asked.append(city)
        return "Sunny"

    runner = client.beta.messages.tool_runner(
        model="caller",
        max_tokens=80,
        max_iterations=2,
        tools=[anthropic.beta_tool(weather)],
        tool_choice={"type": "any"},
        messages=[{"role": "user", "content": "How is the weather in Rome?"}],
    )
    first, second = runner
    assert len(asked) == 2
    assert second.usage.input_tokens + (second.usage.cache_read_input_tokens or 0) > (
        first.usage.input_tokens + (first.usage.cache_read_input_tokens or 0)
    )
    with pytest.raises(ThreadUnsupportedRequestError):
        client.beta.messages.thread(model="echo", max_tokens=5).send({"role": "user", "content": "hi"})


def test_an_answer_goes_on_from_how_it_was_begun_and_does_not_repeat_it(client: anthropic.Anthropic) -> None:
    messages: list[anthropic.types.MessageParam] = [
        {"role": "user", "content": "good morning"},
        {"role": "assistant", "content": "One, two, "},
    ]
    message = client.messages.create(model="echo", max_tokens=50, messages=messages)
    assert [block.text for block in message.content if block.type == "text"] == ["good morning "]
    with client.messages.stream(model="echo", max_tokens=50, messages=messages) as stream:
        assert "".join(stream.text_stream) == "good morning "


def test_tokens_are_counted_as_they_are_read(client: anthropic.Anthropic) -> None:
    messages: list[anthropic.types.MessageParam] = [{"role": "user", "content": "How many tokens is this?"}]
    counted = client.messages.count_tokens(model="smollm2", messages=messages).input_tokens
    usage = client.messages.create(model="smollm2", max_tokens=1, messages=messages).usage
    assert counted == usage.input_tokens + (usage.cache_read_input_tokens or 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_tokens": -1},
        {"max_tokens": None},
        {"temperature": 1.5},
        {"messages": [said({"type": "image", "source": {"type": "url", "url": "http://x"}})]},
        {"messages": [said({"type": "tool_result", "tool_use_id": "a", "content": "b"})]},
        {"thinking": {"type": "sometimes"}},
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_as_anthropic_says_it(
    client: anthropic.Anthropic, wrong: dict[str, object]
) -> None:
    body = {"model": "echo", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}], **wrong}
    with pytest.raises(anthropic.BadRequestError) as caught:
        client.post("/v1/messages", body=body, cast_to=object)
    body_ = caught.value.body
    assert isinstance(body_, dict)
    assert body_["type"] == "error"
    assert body_["error"]["type"] == "invalid_request_error"


def test_what_may_think_is_asked_as_it_is_where_it_cannot(client: anthropic.Anthropic) -> None:
    wish = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}
    for model, thinks in (("smollm2", False), ("echo", True)):
        message = client.messages.create(
            model=model, max_tokens=4, messages=[{"role": "user", "content": "hi"}], extra_body=wish
        )
        assert next(block.type for block in message.content) == ("thinking" if thinks else "text")
    counted = client.messages.count_tokens(
        model="smollm2", messages=[{"role": "user", "content": "hi"}], extra_body=wish
    )
    assert counted.input_tokens > 1
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(
            model="no-such", max_tokens=4, messages=[{"role": "user", "content": "hi"}], extra_body=wish
        )


def test_a_prompt_is_read_ahead(client: anthropic.Anthropic) -> None:
    """`max_tokens: 0`, as its documentation has it, in one piece and as a stream."""
    text = "Tell me of the sea, and of all that lives in it. " * 12
    ask = {"model": "smollm2", "messages": [{"role": "user", "content": text}]}
    for said in (
        client.messages.create(max_tokens=0, **ask),
        client.messages.stream(max_tokens=0, **ask).__enter__().get_final_message(),
    ):
        assert (said.content, said.stop_reason, said.usage.output_tokens) == ([], "max_tokens", 0)
    then = client.messages.create(max_tokens=1, **ask).usage
    assert (then.cache_read_input_tokens or 0) > 100


def test_a_prompt_over_the_window_is_told_in_numbers(client: anthropic.Anthropic) -> None:
    """Claude Code reads them, and shortens its history by so much."""
    with pytest.raises(anthropic.BadRequestError) as caught:
        client.messages.create(
            model="smollm2", max_tokens=5, messages=[{"role": "user", "content": "word " * 9000}]
        )
    found = re.match(r"prompt is too long: (\d+) tokens > (\d+) maximum", caught.value.api_message or "")
    assert found is not None, caught.value
    assert (int(found[1]) > 9000, int(found[2])) == (True, 8192)


def test_models_are_chosen_by_their_stage(client: anthropic.Anthropic) -> None:
    every = [model.id for model in client.models.list()]
    assert [model.id for model in client.models.list(lifecycle=["retired", "active"])] == every
    assert list(client.models.list(lifecycle=["retired", "deprecated"])) == []
    with pytest.raises(anthropic.BadRequestError):
        client.models.list(lifecycle=["young"])
    for model in ("smollm2", "caller"):
        able = client.models.retrieve(model).capabilities
        assert able is not None
        assert (able.image_input.supported, able.structured_outputs.supported) == (False, True)
        assert able.thinking.types.disabled.supported


def test_what_is_not_done_here_is_told_in_its_envelope(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        client.files.list()
    assert (caught.value.type, bool(caught.value.request_id)) == ("not_found_error", True)


def test_an_unknown_model_is_not_found(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(
            model="no-such-model", max_tokens=5, messages=[{"role": "user", "content": "x"}]
        )
