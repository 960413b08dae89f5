"""Thoughts in Anthropic's protocol: clients send back those that are signed, and so all are."""

import json
from typing import Any

import msgspec
import pytest

from ai_pal.client.answer import Answer
from ai_pal.gateway.anthropic.answer import MessageStream
from ai_pal.gateway.anthropic.messages import Turn, conversation
from ai_pal.gateway.asking.seals import UNSIGNED, Thought, opened
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Reasoning, Text

THOUGHT = wire.Delta(1, 0, 1, "hm", "reasoning", 0)
SIGNED = wire.Delta(1, 1, 0, "", "reasoning", 0, signature="theirs")
REST: list[wire.AnyEvent] = [wire.Delta(1, 1, 1, "Hi", "text", 1), wire.Done(1, "stop")]


def streamed(*events: wire.AnyEvent, omits: bool = False) -> list[dict[str, Any]]:
    data = MessageStream("msg_1", "m", omits=omits).events(events).decode()
    return [json.loads(line[6:]) for line in data.split("\n") if line.startswith("data: ")]


@pytest.mark.parametrize(
    ("events", "signature"), [([THOUGHT, *REST], UNSIGNED), ([THOUGHT, SIGNED, *REST], "theirs")]
)
def test_a_thought_is_signed_once_before_it_ends(events: list[wire.AnyEvent], signature: str) -> None:
    told = [one for one in streamed(*events) if one.get("index") == 0]
    assert [one["type"] for one in told][-1] == "content_block_stop"
    assert [one["delta"] for one in told[1:-1]] == [
        {"type": "thinking_delta", "thinking": "hm"},
        {"type": "signature_delta", "signature": signature},
    ]


@pytest.mark.parametrize("omits", [False, True])
@pytest.mark.parametrize(("events", "signature"), [([THOUGHT], ""), ([THOUGHT, SIGNED], "theirs")])
def test_what_comes_back_is_what_the_model_thought(
    events: list[wire.AnyEvent], signature: str, omits: bool
) -> None:
    answer = Answer()
    for event in (*events, *REST):
        answer.take(event)
    content = json.loads(MessageStream("msg_1", "m", omits=omits).whole(answer))["content"]
    assert content[0]["thinking"] == ("" if omits else "hm")
    turns = [{"role": "assistant", "content": content}, {"role": "user", "content": "And?"}]
    said, _ = conversation(None, [msgspec.convert(turn, Turn) for turn in turns])
    assert said[0].parts == [Reasoning("hm", signature), Text("Hi")]


def test_a_thought_that_is_not_shown_is_in_its_signature() -> None:
    shown = [one for one in streamed(THOUGHT, SIGNED, *REST, omits=True) if one.get("index") == 0]
    [start, mark, stop] = shown
    assert (start["content_block"]["thinking"], stop["type"]) == ("", "content_block_stop")
    assert mark["delta"]["type"] == "signature_delta"
    assert opened(mark["delta"]["signature"]) == Thought("hm", "theirs")
    assert opened(UNSIGNED) is None
