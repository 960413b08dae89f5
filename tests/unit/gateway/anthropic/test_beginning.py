"""How a message of Anthropic's begins."""

import json

import pytest

from ai_pal.gateway.anthropic.answer import MessageStream
from ai_pal.protocol import client as wire
from ai_pal.protocol.usage import Usage

SAID: list[wire.AnyEvent] = [wire.Delta(1, 0, 1, "Hi"), wire.Done(1, "stop", Usage(25, 5, 1))]


def usages(data: bytes) -> list[dict[str, int]]:
    """What its beginning and its end say."""
    events = [json.loads(line[6:]) for line in data.decode().split("\n") if line.startswith("data: ")]
    return [
        (event.get("message") or event)["usage"]
        for event in events
        if event["type"] in ("message_start", "message_delta")
    ]


@pytest.mark.parametrize(("known", "told"), [(25, 25), (0, 0)])
def test_it_begins_with_the_length_of_its_prompt(known: int, told: int) -> None:
    started = wire.Started(1, 1, "local", "m", prompt_tokens=known)
    begun, ended = usages(MessageStream("msg_1", "m").events([started, *SAID]))
    assert (begun["input_tokens"], begun["output_tokens"]) == (told, 0)
    assert (ended["input_tokens"], ended["cache_read_input_tokens"]) == (20, 5)


def test_a_sign_of_life_while_the_prompt_is_read_tells_its_length() -> None:
    stream = MessageStream("msg_1", "m")
    begun = usages(stream.alive(wire.Reading(1, "m", 10, 25)))
    assert [usage["input_tokens"] for usage in begun] == [25]
