"""Calls of tools as odd servers send them, through the real SDKs."""

import json
from typing import Any

import pytest

from ai_pal.errors import Code
from ai_pal.protocol.provider import Api
from tests.contract.bodies import bodies_of
from tests.contract.providers import APIS
from tests.egress_driver import EgressDriver
from tests.servers import forms

TEXT = '{"city": "Rome"}'
NAMED = {"name": "weather", "arguments": TEXT}


def _calls(*pieces: Any) -> bytes:
    """Chunks, each with these `tool_calls`."""
    made = [("", {"choices": [{"index": 0, "delta": {"tool_calls": piece}}]}) for piece in pieces]
    return forms.written("openai", [*made, *forms.ended("openai", "stop", 5, 7)], done=True)


@pytest.mark.parametrize(
    ("body", "calls"),
    [
        (_calls([{"function": NAMED}]), [TEXT]),
        (_calls({"function": NAMED}), [TEXT]),
        (_calls([NAMED]), [TEXT]),
        (_calls([{"index": 0, "id": None, "function": {"name": "weather", "arguments": None}}]), ["{}"]),
        (
            _calls([{"id": "a", "function": {"name": "weather", "arguments": {"city": "Rome"}}}]),
            ['{"city": "Rome"}'],
        ),
        (
            _calls(
                [{"function": {"name": "weather", "arguments": TEXT[:4]}}],
                [{"function": {"name": "weather", "arguments": TEXT[4:]}}],
            ),
            [TEXT],
        ),
        (
            _calls(
                [{"index": 0, "id": "a", "function": NAMED}], [{"index": 0, "id": "b", "function": NAMED}]
            ),
            [TEXT, TEXT],
        ),
        (_calls([{"id": "a", "function": NAMED}, {"id": "b", "function": NAMED}]), [TEXT, TEXT]),
        (
            forms.written(
                "openai",
                [
                    ("", {"choices": [{"index": 0, "delta": {"function_call": NAMED}}]}),
                    *forms.ended("openai", "stop", 5, 7),
                ],
            ),
            [TEXT],
        ),
    ],
)
def test_openais_protocol_as_it_is_spoken(egress: EgressDriver, body: bytes, calls: list[str]) -> None:
    with bodies_of("openai") as server:
        answer = server.ask(egress, body)
    assert answer.calls == [("weather", text) for text in calls]
    assert answer.done.finish_reason == "tool_calls"


WHOLE: dict[Api, dict[str, Any]] = {
    "openai": {
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "message": {
                    "role": "assistant",
                    "content": None,
                    "reasoning_content": "hm",
                    "tool_calls": [{"id": "a", "type": "function", "function": NAMED}],
                },
            }
        ]
    },
    "anthropic": {
        "type": "message",
        "role": "assistant",
        "stop_reason": "tool_use",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "Rome"}},
        ],
    },
    "cohere": {
        "id": "1",
        "finish_reason": "TOOL_CALL",
        "message": {
            "role": "assistant",
            "tool_plan": "hm",
            "tool_calls": [{"id": "a", "type": "function", "function": NAMED}],
        },
    },
    "ollama": {
        "model": "m",
        "done": True,
        "message": {
            "role": "assistant",
            "content": "",
            "thinking": "hm",
            "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Rome"}}}],
        },
    },
}


@pytest.mark.parametrize("api", APIS)
def test_a_whole_answer_with_a_call_is_one(egress: EgressDriver, api: Api) -> None:
    with bodies_of(api) as server:
        answer = server.ask(egress, json.dumps(WHOLE[api]).encode(), content_type="application/json")
    assert answer.calls == [("weather", TEXT)]
    assert (answer.reasoning, answer.done.finish_reason) == ("hm", "tool_calls")
    assert next(part.signature for part in answer.parts.values()) == ("s" if api == "anthropic" else "")


@pytest.mark.parametrize("api", APIS)
def test_a_call_without_a_name_quotes_the_server(egress: EgressDriver, api: Api) -> None:
    made = forms.called(api, 0, "weather", [TEXT])
    body = forms.written(api, [*made, *forms.ended(api, "stop", 5, 7)]).replace(b'"name"', b'"nome"')
    with bodies_of(api) as server:
        failure = server.ask(egress, body).failed.failure
    assert failure.code == Code.STREAM_BROKEN
    assert "did not say which" in failure.message
    assert "nome" in failure.detail


@pytest.mark.parametrize("api", ["openai", "anthropic", "cohere"])
def test_a_call_that_the_limit_has_cut_is_told_as_length(egress: EgressDriver, api: Api) -> None:
    made = [*forms.called(api, 0, "weather", [TEXT[:9]]), *forms.ended(api, "length", 5, 7)]
    with bodies_of(api) as server:
        answer = server.ask(egress, forms.written(api, made))
    assert answer.calls == [("weather", TEXT[:9])]
    assert answer.done.finish_reason == "length"


@pytest.mark.parametrize(("api", "reason"), [("openai", "content_filter"), ("anthropic", "refusal")])
def test_what_is_withheld_is_told_as_such(egress: EgressDriver, api: Api, reason: str) -> None:
    ends = {
        "openai": ("", {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}),
        "anthropic": ("message_delta", {"type": "message_delta", "delta": {"stop_reason": reason}}),
    }
    with bodies_of(api) as server:
        begun = server.ask(egress, forms.written(server.api, [*forms.said(server.api, "I"), ends[api]]))
        assert (begun.text, begun.done.finish_reason) == ("I", "content_filter")
        nothing = server.ask(egress, forms.written(server.api, [ends[api]]))
        assert nothing.failed.failure.code == Code.PROVIDER_REFUSED
        assert "withheld" in nothing.failed.failure.message
