"""OpenAI's own models at OpenAI's own address: the real adapter and SDK, whose address is that of the strict
cloud for once, for what is asked otherwise there than of other servers."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from ai_pal.egress.providers.answers.pieces import AnswerEvent, CallPiece, Finish, Notice
from ai_pal.egress.providers.http.clients import Clients
from ai_pal.egress.providers.openai import adapter
from ai_pal.egress.providers.requests.learned import Learned
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.content import Image, Message, Reasoning, Text, ToolCall, ToolResult
from ai_pal.protocol.egress import Complete
from ai_pal.protocol.options import GenerationOptions, JsonObject, JsonSchema, Tool
from ai_pal.protocol.provider import Provider
from tests.contract.strict import Strict
from tests.servers.clouds import KEYS

HI = [Message("user", "one two")]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Strict]:
    with Strict("openai") as strict:
        monkeypatch.setattr(adapter, "BASE_URL", strict.base_url)
        yield strict


def ask(model: str, messages: list[Message], **options: Any) -> list[AnswerEvent]:
    async def events() -> list[AnswerEvent]:
        provider = Provider("openai", "openai")
        own = adapter.OpenAI(provider, KEYS["openai"], Clients(), Learned())
        request = Complete(0, provider, model, messages, GenerationOptions(**options))
        return [event async for event in own.stream(request)]

    return asyncio.run(events())


def text(events: list[AnswerEvent]) -> str:
    return "".join(event for event in events if isinstance(event, str))


def test_schemas_are_strict(cloud: Strict) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"$ref": "#/$defs/x"}},
        "required": ["a"],
        "$defs": {"x": {"enum": [1, 2]}},
    }
    events = ask("gpt-4o", HI, response_format=JsonSchema(schema, "what is it?"))
    assert json.loads(text(events)) == {"a": "", "b": 1}
    (body,) = cloud.bodies
    assert body["response_format"]["json_schema"]["strict"] is True
    assert body["response_format"]["json_schema"]["name"] == "what_is_it_"


def test_what_is_not_strict_is_refused_and_not_sent(cloud: Strict) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "minLength": 3}}}
    with pytest.raises(AiPalError) as raised:
        ask("gpt-4o", HI, response_format=JsonSchema(schema))
    assert raised.value.code == Code.UNSUPPORTED
    assert "$.properties.a.minLength" in raised.value.failure.message
    assert not cloud.bodies


def test_json_is_spoken_of(cloud: Strict) -> None:
    assert json.loads(text(ask("gpt-4o", HI, response_format=JsonObject())))
    assert json.loads(text(ask("gpt-4o", [Message("user", "as JSON")], response_format=JsonObject())))
    first, second = cloud.bodies
    assert len(first["messages"]) == 2
    assert len(second["messages"]) == 1


def test_thoughts_stay_here_and_pictures_of_results_go_as_the_users(cloud: Strict) -> None:
    turns = [
        *HI,
        Message(
            "assistant", [Reasoning("a secret thought"), ToolCall("a", "f", ""), ToolCall("b", "f", "{}")]
        ),
        Message("tool", [ToolResult("a", [Text("see"), Image("image/gif", b"GIF8")])]),
        Message("tool", [ToolResult("b", "no", is_error=True)]),
    ]
    events = ask("gpt-4o", turns, tools=[Tool("f")])
    assert any(isinstance(event, Finish) for event in events)
    (body,) = cloud.bodies
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "tool", "tool", "user"]
    assert "a secret thought" not in json.dumps(body)
    assert body["messages"][3]["content"] == "error: no"
    assert body["messages"][1]["content"] is None


def test_calls_come_as_they_are_made(cloud: Strict) -> None:
    events = ask("gpt-5-mini", HI, tools=[Tool("f"), Tool("g")], parallel_tool_calls=False, thinking="low")
    pieces = [event for event in events if isinstance(event, CallPiece)]
    assert "".join(piece.arguments or "" for piece in pieces) == '{"said": "one "}'
    (body,) = cloud.bodies
    assert body["reasoning_effort"] == "low"
    assert body["parallel_tool_calls"] is False


def test_wishes_that_it_does_not_know_are_not_sent(cloud: Strict) -> None:
    events = ask("gpt-4o", HI, top_k=3, min_p=0.1, repeat_penalty=1.1, thinking="high", logit_bias={5: 1.5})
    (notice,) = [event for event in events if isinstance(event, Notice)]
    for name in ("top_k 3", "min_p 0.1", "repeat_penalty 1.1", "thinking high"):
        assert name in notice.reason
    (body,) = cloud.bodies
    assert body["logit_bias"] == {"5": 1.5}
