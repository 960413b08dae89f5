"""What local servers are asked for on OpenAI's doors, under the names that clients have for it."""

from typing import Any

import msgspec
import pytest

from ai_pal.gateway.openai import chat_request
from ai_pal.gateway.openai.chat_answer import ChatStream
from ai_pal.gateway.openai.completions import completions
from ai_pal.gateway.openai.responses import request
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.protocol import client as wire
from ai_pal.protocol.options import Grammar, JsonSchema

USER = [{"role": "user", "content": "x"}]
CHAT = {"model": "m", "messages": USER}
TAKES = {"type": "object"}


def chat(**said: Any) -> Any:
    """What a chat is asked with."""
    return chat_request.how(chat_request.read(msgspec.json.encode({**CHAT, **said})))


def response(**said: Any) -> Any:
    """What a response is asked with."""
    return request.how(request.read(msgspec.json.encode({"model": "m", "input": "x", **said})))


OFF: list[dict[str, Any]] = [
    {"think": False},
    {"enable_thinking": False},
    {"thinking": {"type": "disabled"}},
    {"reasoning_effort": "none"},
    {"chat_template_kwargs": {"enable_thinking": False}},
]


@pytest.mark.parametrize("said", OFF, ids=str)
def test_thinking_is_switched_off_by_any_name(said: dict[str, Any]) -> None:
    assert chat(**said)["thinking"] == response(**said)["thinking"] == "off"


@pytest.mark.parametrize(
    "said",
    [
        {"thinking_budget": 64},
        {"thinking_budget_tokens": 64},
        {"thinking": {"type": "enabled", "budget_tokens": 64}},
        {"thinking": {"type": "enabled", "budget_tokens": 64}, "thinking_budget": 64},
    ],
    ids=str,
)
def test_how_long_may_be_thought(said: dict[str, Any]) -> None:
    assert chat(**said)["thinking_budget"] == response(**said)["thinking_budget"] == 64
    assert chat(reasoning={"max_tokens": 64})["thinking_budget"] == 64


SAMPLED = {
    "samplers": ["dry", "top_k"],
    "dry_multiplier": 0.5,
    "dry_sequence_breakers": ["\n"],
    "xtc_probability": 0.1,
    "top_n_sigma": -1.0,
    "ignore_eos": False,
    "n_keep": 4,
    "t_max_predict_ms": 1000,
}


def test_what_llama_cpp_samples_by_goes_to_the_engine() -> None:
    assert chat(**SAMPLED)["extra"] == response(**SAMPLED)["extra"] == SAMPLED
    assert chat(cache_prompt=True, id_slot=-1, skip_special_tokens=True)["extra"] is None


@pytest.mark.parametrize(
    ("said", "form"),
    [
        ({"grammar": "root ::= [a]"}, Grammar("root ::= [a]")),
        ({"json_schema": TAKES}, JsonSchema(TAKES)),
        ({"response_format": {"type": "json_schema", "schema": TAKES}}, JsonSchema(TAKES)),
        ({"response_format": {"type": "text"}, "grammar": "a"}, Grammar("a")),
    ],
    ids=str,
)
def test_forms_as_llama_cpp_has_them(said: dict[str, Any], form: Any) -> None:
    assert chat(**said)["response_format"] == form


@pytest.mark.parametrize(("said", "most"), [({"n_predict": 7}, 7), ({"n_predict": -1}, None), ({}, None)])
def test_how_long_an_answer_may_be(said: dict[str, Any], most: int | None) -> None:
    assert chat(**said)["max_tokens"] == response(**said)["max_tokens"] == most
    assert completions(msgspec.json.encode({"model": "m", "prompt": "x", **said}))


def test_options_of_ollama_are_taken_in_a_chat() -> None:
    options = {"num_ctx": 512, "temperature": 0, "stop": ["x"], "num_predict": 5.0, "mirostat": 1, "bogus": 1}
    asked = chat(options=options, temperature=0, xtc_probability=0.5)
    said = {name: asked[name] for name in ("context", "temperature", "stop", "max_tokens", "extra")}
    assert said == {
        "context": 512,
        "temperature": 0,
        "stop": ["x"],
        "max_tokens": 5,
        "extra": {"mirostat": 1, "xtc_probability": 0.5},
    }


def test_nothing_stops_at_an_empty_field() -> None:
    assert chat(stop="")["stop"] == []
    assert chat(stop=["a", ""])["stop"] == ["a"]
    assert chat(stop=[""])["stop"] == [""]  # refused, as what is wrong


@pytest.mark.parametrize(
    ("said", "hidden"),
    [
        ({}, False),
        ({"include_reasoning": False}, True),
        ({"include_reasoning": True}, False),
        ({"reasoning": {"exclude": True}}, True),
        ({"reasoning_format": "hidden"}, True),
        ({"reasoning_format": "auto"}, False),
    ],
    ids=str,
)
def test_thoughts_are_told_unless_they_are_not_wanted(said: dict[str, Any], hidden: bool) -> None:
    asked = chat_request.read(msgspec.json.encode({**CHAT, **said}))
    assert chat_request.hides_thoughts(asked) is hidden


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"enable_thinking": True, "think": False}, "think"),
        ({"thinking": {"type": "maybe"}}, "thinking.type"),
        ({"thinking": {"type": "enabled", "x": 1}}, "thinking.x"),
        ({"thinking_budget": 1, "thinking_budget_tokens": 2}, "thinking_budget"),
        ({"reasoning": {"bogus": 1}}, "reasoning.bogus"),
        ({"samplers": ["best"]}, "samplers[0]"),
        ({"dry_sequence_breakers": []}, "dry_sequence_breakers"),
        ({"xtc_probability": 2}, "xtc_probability"),
        ({"grammar": "a", "json_schema": {}}, "grammar"),
        ({"json_schema": {}, "response_format": {"type": "json_object"}}, "json_schema"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"repeat_penalty": 1.1, "repetition_penalty": 1.2}, "repetition_penalty"),
        ({"n_predict": 3, "max_tokens": 4}, "n_predict"),
        ({"n_predict": -2}, "n_predict"),
        ({"options": {"num_ctx": 64}, "num_ctx": 65}, "options"),
        ({"options": {"mirostat": 5}}, "options.mirostat"),
        ({"options": {"typical_p": 0.9}, "typical_p": 0.5}, "options"),
        ({"options": {"num_keep": 4}, "n_keep": 5}, "options"),
        ({"skip_special_tokens": False}, "skip_special_tokens"),
        ({"reasoning_format": "none"}, "reasoning_format"),
        ({"stream": True, "stream_options": {"bogus": 1}}, "stream_options.bogus"),
        (
            {"stream": True, "stream_options": {"continuous_usage_stats": True}},
            "stream_options.continuous_usage_stats",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(said: dict[str, Any], param: str) -> None:
    with pytest.raises(BodyError) as caught:
        chat(**said)
    assert caught.value.param == param


def test_two_that_say_the_opposite_of_thoughts() -> None:
    said = {"include_reasoning": True, "reasoning": {"exclude": True}}
    asked = chat_request.read(msgspec.json.encode({**CHAT, **said}))
    with pytest.raises(BodyError):
        chat_request.hides_thoughts(asked)


def test_hidden_thoughts_are_counted_and_not_told() -> None:
    writer = ChatStream("a", "m", 1, include_usage=False, thoughts=False)
    told = writer.events([wire.Delta(0, 0, 3, "hm", "reasoning"), wire.Delta(0, 3, 1, "yes", index=1)])
    assert b"hm" not in told
    assert b"reasoning" not in told
    assert b"yes" in told
    assert writer.thought == 3
