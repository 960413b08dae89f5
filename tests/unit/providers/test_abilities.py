"""What models of providers can do, and what requests need."""

import pytest

from ai_pal.errors import Code
from ai_pal.protocol.content import Image, Message, Text, ToolCall, ToolResult
from ai_pal.protocol.options import (
    GenerationOptions,
    Grammar,
    JsonObject,
    JsonSchema,
    NamedTool,
    Tool,
)
from ai_pal.protocol.provider import Api, Provider
from ai_pal.providers.abilities import abilities, lacking, needed, unsupported

HI = [Message("user", "hi")]
SEEN = [Message("user", [Text("what is it?"), Image("image/png", b"x")])]
TOOL = Tool("now")


@pytest.mark.parametrize(
    ("api", "model", "can", "cannot"),
    [
        ("openai", "gpt-4o-mini", "tools schema images logprobs", "thinking audio grammar"),
        ("openai", "gpt-4-0613", "tools logprobs", "images schema"),
        ("openai", "gpt-4-turbo", "images", "schema"),
        ("openai", "o3-mini", "thinking schema", "images logprobs"),
        ("openai", "gpt-5-mini-2025-08-07", "thinking images", "logprobs"),
        ("openai", "gpt-4o-audio-preview", "audio", "images"),
        ("openai", "gpt-7", "tools schema thinking images logprobs", "audio"),
        ("anthropic", "claude-3-5-haiku-20241022", "tools images schema", "thinking logprobs"),
        ("anthropic", "claude-3-7-sonnet-20250219", "thinking", "logprobs"),
        ("anthropic", "claude-opus-5-5", "thinking documents", "audio"),
        ("cohere", "command-r-08-2024", "tools schema logprobs", "images thinking"),
        ("cohere", "command-a-plus-05-2026", "images thinking", "grammar"),
        ("ollama", "whatever", "tools images thinking schema", "grammar audio"),
    ],
)
def test_names_tell_what_a_model_can(api: Api, model: str, can: str, cannot: str) -> None:
    able = abilities(api, model)
    assert set(can.split()) <= able
    assert not set(cannot.split()) & able


def test_a_server_of_ones_own_is_taken_to_be_able() -> None:
    assert {"audio", "schema", "images"} <= abilities("openai", "gpt-4", own=False)


@pytest.mark.parametrize(
    ("messages", "options", "wanted"),
    [
        (HI, GenerationOptions(temperature=1.0, seed=1, thinking="high", top_k=5), ""),
        (SEEN, GenerationOptions(), "images"),
        (HI, GenerationOptions(tools=[TOOL]), "tools"),
        ([Message("assistant", [ToolCall("1", "now", "{}")])], GenerationOptions(), "tools"),
        (
            [Message("tool", [ToolResult("1", [Image("image/png", b"x")])])],
            GenerationOptions(),
            "tools images",
        ),
        (HI, GenerationOptions(response_format=JsonObject()), "schema"),
        (HI, GenerationOptions(response_format=Grammar("root ::= [a]")), "grammar"),
        (HI, GenerationOptions(logprobs=0), "logprobs"),
    ],
)
def test_what_a_request_needs(messages: list[Message], options: GenerationOptions, wanted: str) -> None:
    assert needed(messages, options) == ["chat", *wanted.split()]


@pytest.mark.parametrize(
    ("api", "model", "options", "missing"),
    [
        ("openai", "gpt-4o", GenerationOptions(), []),
        ("openai", "gpt-4", GenerationOptions(response_format=JsonSchema({})), ["be held to a JSON schema"]),
        ("openai", "gpt-4o", GenerationOptions(prefill="{"), ["go on from a prefill"]),
        ("anthropic", "claude-haiku-4-5", GenerationOptions(prefill="{"), []),
        ("anthropic", "claude-opus-5", GenerationOptions(prefill="{"), ["go on from a prefill"]),
        (
            "openai",
            "gpt-4o",
            GenerationOptions(logprobs=21),
            ["tell 21 alternatives to its tokens (logprobs)"],
        ),
        ("cohere", "command-a-03-2025", GenerationOptions(logprobs=0), []),
        (
            "cohere",
            "command-a-03-2025",
            GenerationOptions(logprobs=1),
            ["tell 1 alternatives to its tokens (logprobs)"],
        ),
        ("ollama", "m", GenerationOptions(tools=[TOOL], tool_choice="auto"), []),
        (
            "ollama",
            "m",
            GenerationOptions(tools=[TOOL], tool_choice="required"),
            ["be made to call a tool"],
        ),
        (
            "anthropic",
            "claude-opus-5-5",
            GenerationOptions(tools=[TOOL], tool_choice=NamedTool("now")),
            ["be made to call a tool"],
        ),
        (
            "cohere",
            "command-a-03-2025",
            GenerationOptions(tools=[TOOL], response_format=JsonObject()),
            ["call tools and keep to a format at once"],
        ),
        (
            "openai",
            "gpt-4o",
            GenerationOptions(context=200_000),
            ["hold 200000 tokens (its window has 128000)"],
        ),
    ],
)
def test_what_is_lacking_is_named(
    api: Api, model: str, options: GenerationOptions, missing: list[str]
) -> None:
    assert lacking(Provider(api, api), model, HI, options) == missing


def test_the_verdict_names_what_and_who() -> None:
    failure = unsupported(Provider("openai", "openai"), "gpt-4", ["images"])
    assert (failure.code, failure.retryable) == (Code.UNSUPPORTED, False)
    assert "gpt-4 of openai" in failure.message
    assert "images" in failure.message
