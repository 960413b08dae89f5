"""Tools, forms and thinking against real servers: an Ollama, and llama.cpp's for OpenAI's and Anthropic's
protocols."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from ai_pal.errors import Code
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Image, Message, Reasoning, Text, ToolResult
from ai_pal.protocol.options import GenerationOptions, JsonObject, JsonSchema, NamedTool, Tool
from ai_pal.protocol.provider import Api
from tests.contract.providers import Counterpart, Find
from tests.egress_driver import Answer, EgressDriver
from tests.servers.ollama import TOOLED, create_tooled

pytestmark = [pytest.mark.real_model]

PERSON = {
    "type": "object",
    "properties": {"name": {"enum": ["Ada", "Bob"]}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
WEATHER = Tool(
    "weather",
    "Tells the weather of a city.",
    {"type": "object", "properties": {"city": {"enum": ["Rome", "Oslo"]}}, "required": ["city"]},
)


def ask(egress: EgressDriver, counterpart: Counterpart, prompt: str, **options: Any) -> Answer:
    complete = counterpart.complete(prompt, first_token=120.0)
    given = {"temperature": 0.0, "seed": 1, "max_tokens": 64} | options
    return egress.ask(replace(complete, options=GenerationOptions(**given)), 240)


@pytest.mark.parametrize("api", ["ollama", "openai"])
def test_an_answer_keeps_to_its_schema(egress: EgressDriver, find: Find, api: Api) -> None:
    answer = ask(egress, find(api), "Invent a person.", response_format=JsonSchema(PERSON))
    value = json.loads(answer.text)
    assert value["name"] in ("Ada", "Bob")
    assert isinstance(value["age"], int)


@pytest.mark.parametrize("api", ["ollama", "openai"])
def test_an_answer_is_a_json_object_or_none(egress: EgressDriver, find: Find, api: Api) -> None:
    answer = ask(egress, find(api), "Answer in JSON: who are you?", response_format=JsonObject())
    if isinstance(answer.end, out.CompletionDone) and answer.done.finish_reason == "stop":
        assert isinstance(json.loads(answer.text), dict)
    else:
        assert answer.text.lstrip().startswith("{"), "the limit has cut it"


def test_a_model_of_ollama_without_tools_is_refused_before_it_is_asked(
    egress: EgressDriver, find: Find
) -> None:
    failed = ask(egress, find("ollama"), "hi", tools=[WEATHER]).failed.failure
    assert (failed.code, failed.retryable) == (Code.UNSUPPORTED, False)
    assert "smollm2 of ollama" in failed.message
    assert "call tools" in failed.message


def test_a_model_of_ollama_without_eyes_is_refused_before_it_is_asked(
    egress: EgressDriver, find: Find
) -> None:
    complete = find("ollama").complete()
    seen = [Message("user", [Text("what is it?"), Image("image/png", b"\x89PNG")])]
    failed = egress.ask(replace(complete, messages=seen)).failed.failure
    assert failed.code == Code.UNSUPPORTED
    assert "look at images" in failed.message


def test_thinking_is_a_wish_that_ollama_tells_of(egress: EgressDriver, find: Find) -> None:
    answer = ask(egress, find("ollama"), "hi", thinking="high", max_tokens=4)
    assert answer.done
    assert answer.notices == [("options", "ollama:smollm2: thinking high is left out, it is not known there")]
    assert not ask(egress, find("ollama"), "hi", thinking="off", max_tokens=4).notices


def test_a_real_ollama_calls_a_tool_and_takes_what_came_of_it(egress: EgressDriver, find: Find) -> None:
    counterpart = find("ollama")
    create_tooled(counterpart.url)
    complete = counterpart.complete("Call weather for Rome.", model=TOOLED, first_token=240.0, gap=60.0)
    options = GenerationOptions(tools=[WEATHER], temperature=0.0, max_tokens=40, thinking="off")
    first = egress.ask(replace(complete, options=options), 290)
    ((name, arguments),) = first.calls
    assert (name, first.done.finish_reason) == ("weather", "tool_calls")
    assert json.loads(arguments)["city"]
    assert not first.notices
    thought = [Reasoning("I look."), *first.message.parts]
    result = ToolResult(next(part.call for part in first.parts.values() if part.call), "sunny")
    turns = [*complete.messages, Message("assistant", thought), Message("tool", [result])]
    after = egress.ask(
        replace(complete, messages=turns, options=replace(options, tool_choice="none", max_tokens=8)), 290
    )
    assert after.text
    assert not after.calls


def test_probabilities_of_an_old_ollama_are_refused(egress: EgressDriver, find: Find) -> None:
    failed = ask(egress, find("ollama"), "hi", logprobs=1).failed.failure
    assert failed.code == Code.UNSUPPORTED
    assert "how probable" in failed.message


def test_a_window_that_the_model_has_not_is_refused(egress: EgressDriver, find: Find) -> None:
    failed = ask(egress, find("ollama"), "hi", context=1_000_000).failed.failure
    assert failed.code == Code.UNSUPPORTED
    assert "hold 1000000 tokens" in failed.message


def test_probabilities_are_those_of_the_text(egress: EgressDriver, find: Find) -> None:
    answer = ask(egress, find("openai"), "Count from one to ten.", logprobs=2, max_tokens=8)
    tokens = [token for _, token in answer.logprobs]
    assert b"".join(token.data for token in tokens).decode() == answer.text
    assert all(token.logprob <= 0 and len(token.top) == 2 for token in tokens)
    assert all(token.top[0].logprob >= token.logprob - 1e-6 for token in tokens), "greedy"


@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_a_server_that_does_not_call_what_it_has_to_has_failed(
    egress: EgressDriver, find: Find, api: Api
) -> None:
    # The template of this model knows no tools, and its server says nothing of it.
    prompt = "What is the capital of France?"
    for choice in (NamedTool("weather"), "required"):
        failed = ask(egress, find(api), prompt, tools=[WEATHER], tool_choice=choice).failed.failure
        assert failed.code == Code.PROVIDER_ERROR, failed  # with what broke, if something did
        assert "without calling a tool" in failed.message
