"""What the types of requests cannot say: what is no prompt is none for all that take one."""

from typing import Any

import pytest

from ai_pal.client.asking import chat_request, route_request
from ai_pal.client.requests import count_request
from ai_pal.client.usual import NOTHING
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Audio, Document, Image, Message, Text, ToolCall, ToolResult
from ai_pal.protocol.requests import objection
from tests.pictures import png

CALLED = [Message("assistant", [ToolCall("c1", "now", "{}")]), Message("tool", [ToolResult("c1", "noon")])]
SAYS = [
    [Message("user", "hi")],
    [Message("user", [Text(""), Image("image/png", png())])],
    [Message("user", [Audio("audio/wav", b"x")])],
    [Message("user", "what time is it?"), *CALLED],
    [Message("user", "hi"), Message("user", "")],
]
SAYS_NOTHING = [
    [],
    [Message("user", "")],
    [Message("user", [])],
    [Message("user", [Text(" \n")])],
    [Message("user", [Document("a.txt", " ")])],
    [Message("system", "x")],
    [Message("assistant", "x")],
    CALLED,
]
KINDS: list[Any] = [wire.Chat, wire.Route, wire.CountTokens]
ASKED: list[Any] = [
    lambda prompt: chat_request(1, prompt, {}),
    lambda prompt: route_request(1, prompt, {}),
    lambda prompt: count_request(1, prompt, {}, NOTHING),
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_is_what_a_user_says(kind: Any) -> None:
    assert [objection(kind(1, messages)) for messages in SAYS] == [None] * len(SAYS)
    for messages in SAYS_NOTHING:
        failure = objection(kind(1, messages))
        assert failure is not None
        assert failure.code == Code.EMPTY_PROMPT


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("prompt", ["", " \n", [], [{"role": "system", "content": "x"}]])
def test_python_says_so_before_anything_is_sent(asked: Any, prompt: Any) -> None:
    with pytest.raises(AiPalError) as caught:
        asked(prompt)
    assert caught.value.code == Code.EMPTY_PROMPT


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_no_content_is_no_turn(asked: Any) -> None:
    wrong: Any = 5
    with pytest.raises(AiPalError, match="turn 1 of the prompt says nothing: int"):
        asked([Message("user", wrong)])
