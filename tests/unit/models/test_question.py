"""Questions from Python: what is asked is what was meant, and mistakes are named."""

from typing import Any

import pytest

from ai_pal.client.prompt import Prompt
from ai_pal.client.sampling import Sampling
from ai_pal.errors import AiPalError, Code
from ai_pal.models.question import question
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions


def test_options_reach_the_protocol() -> None:
    options: Sampling = {
        "max_tokens": 5,
        "temperature": 0,
        "top_p": 0.9,
        "seed": 7,
        "extra": {"pace": 1},
        "deadline": 3,
    }
    asked = question("hi", options)
    assert asked.messages == [Message("user", "hi")]
    assert asked.options == GenerationOptions(
        temperature=0.0, top_p=0.9, max_tokens=5, seed=7, extra={"pace": 1}
    )
    assert asked.deadline == 3.0


def test_nothing_said_is_left_to_the_model() -> None:
    assert question("hi", {"max_tokens": None}).options == GenerationOptions()


@pytest.mark.parametrize("stop", ["end", ["end"], ("end",)])
def test_stop_is_a_text_or_several(stop: Any) -> None:
    assert question("hi", {"stop": stop}).options.stop == ["end"]


def test_system_comes_first() -> None:
    asked = question("hi", {"system": "be brief"})
    assert asked.messages == [Message("system", "be brief"), Message("user", "hi")]


@pytest.mark.parametrize("turn", [{"role": "user", "content": "hi"}, Message("user", "hi")])
def test_a_conversation_is_messages_or_dicts(turn: Any) -> None:
    turns = (turn, Message("assistant", "hello"), turn)
    assert question(turns, {}).messages == [
        Message("user", "hi"),
        Message("assistant", "hello"),
        Message("user", "hi"),
    ]


def test_the_callers_conversation_is_left_alone() -> None:
    turns = [Message("user", "hi")]
    question(turns, {"system": "be brief"})
    assert turns == [Message("user", "hi")]


@pytest.mark.parametrize(
    "options",
    [
        {"max_tokens": "5"},
        {"max_tokens": 0},
        {"temperature": -1},
        {"top_p": 2},
        {"stop": 3},
    ],
)
def test_mistakes_are_named(options: Any) -> None:
    with pytest.raises(AiPalError) as caught:
        question("hi", options)
    assert caught.value.code == Code.BAD_REQUEST
    assert next(iter(options)) in caught.value.failure.message
    assert "leave it out" in caught.value.failure.hint


@pytest.mark.parametrize(
    ("prompt", "code"),
    [
        ("", Code.EMPTY_PROMPT),
        (" \n", Code.EMPTY_PROMPT),
        ("half \ud83d", Code.INPUT_NOT_UTF8),
        ([{"role": "robot", "content": "hi"}], Code.BAD_REQUEST),
        ([{"content": "hi"}], Code.BAD_REQUEST),
        ([{"role": "user", "content": "hi", "image": "cat.png"}], Code.BAD_REQUEST),
        (3, Code.BAD_REQUEST),
    ],
)
def test_prompts_that_cannot_be_asked(prompt: Prompt, code: Code) -> None:
    with pytest.raises(AiPalError) as caught:
        question(prompt, {})
    assert caught.value.code == code
