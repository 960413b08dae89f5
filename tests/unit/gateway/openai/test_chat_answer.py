"""Chunks of a chat that hold more than one thing, and what goes before an error."""

import json
from typing import Any

from ai_pal.errors import Code, Failure
from ai_pal.gateway.openai.chat_answer import ChatStream
from ai_pal.gateway.openai.completion_answer import CompletionStream
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import TokenLogprob

HI, YOU = wire.Delta(1, 0, 1, "Hi"), wire.Delta(1, 1, 1, " you")
OF_HI = wire.Logprobs(1, 0, [TokenLogprob(b"Hi", -0.5)])
FAILED = wire.Interrupted(1, Failure(Code.RATE_LIMITED, "slower"))


def chunks(data: bytes) -> list[Any]:
    return [json.loads(line[6:]) for line in data.decode().split("\n") if line.startswith("data: {")]


def chat(*, probabilities: bool = True) -> ChatStream:
    return ChatStream("c", "m", 0, include_usage=False, probabilities=probabilities)


def completion() -> CompletionStream:
    writer = CompletionStream("c", "m", 0, "", include_usage=False, index=0)
    writer.holds = True
    return writer


def told(data: bytes) -> list[tuple[str, bool]]:
    """The text of each chunk, and whether its probabilities are there."""
    found = []
    for chunk in chunks(data):
        for choice in chunk.get("choices", []):
            text = choice["text"] if "text" in choice else choice["delta"].get("content", "")
            found += [(text, choice["logprobs"] is not None)] if text else []
    return found


def test_text_waits_for_its_probabilities_until_much_has_come_without_any() -> None:
    for writer in (chat(), completion()):
        assert told(writer.events([HI])) == []
        assert told(writer.events([OF_HI])) == [("Hi", True)]
        assert told(writer.events([YOU] * 8)) == []
        assert told(writer.events([wire.Delta(1, 2, 1, "!")])) == [(" you" * 8 + "!", False)]
        assert told(writer.events([YOU])) == [(" you", False)]


def test_text_that_waits_is_told_before_the_end_an_error_and_a_sign_of_life() -> None:
    for writer in (chat, completion):
        for last in (wire.Done(1, "stop"), FAILED):
            assert told(writer().events([HI, last])) == [("Hi", False)]
        silent = writer()
        assert told(silent.events([HI]) + silent.alive(None)) == [("Hi", False)]


def test_text_waits_for_nothing_where_no_probabilities_are_wanted() -> None:
    assert told(chat(probabilities=False).events([HI])) == [("Hi", False)]


def test_what_waits_for_its_turn_is_told_before_a_failure() -> None:
    pieces = [
        wire.Delta(1, 0, 1, "{", "tool_call", 0, "a", "f"),
        wire.Delta(1, 1, 1, "{}", "tool_call", 1, "b", "g"),
    ]
    *_, call, error = chunks(chat().events([*pieces, FAILED]))
    assert call["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] == "g"
    assert "slower" in error["error"]["message"]
