"""Sampling as plain keywords: the same on every face, beside `options` and never against them."""

from typing import Any

import pytest

from ai_pal.client.asking import Asking, chat_request, route_request
from ai_pal.client.sampling import options_of
from ai_pal.errors import AiPalError, Code
from ai_pal.models.question import question
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions


@pytest.mark.parametrize("stop", ["end", ["end"], ("end",)])
def test_plain_keywords_become_options(stop: Any) -> None:
    how = Asking(max_tokens=5, temperature=0, top_p=0.9, seed=7, stop=stop, extra={"pace": 1})
    wanted = GenerationOptions(0.0, 0.9, 5, 7, ["end"], {"pace": 1})
    assert chat_request(1, "hi", how).options == wanted
    assert route_request(1, "hi", how).options == wanted
    assert question("hi", how).options == wanted


def test_options_and_keywords_go_together() -> None:
    how = Asking(options=GenerationOptions(temperature=0.5, stop=["x"]), max_tokens=20)
    assert options_of(how) == GenerationOptions(temperature=0.5, stop=["x"], max_tokens=20)
    assert question("hi", how).options == options_of(how)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_tokens", 20),
        ("temperature", 0.1),
        ("top_p", 0.1),
        ("seed", 1),
        ("stop", "x"),
        ("extra", {"tokens": 1}),
    ],
)
def test_a_field_that_is_given_twice_is_refused(name: str, value: Any) -> None:
    whole = GenerationOptions(0.5, 0.5, 5, 5, ["a"], {"pace": 1})
    with pytest.raises(TypeError, match=f"{name} is given twice"):
        options_of({"options": whole, name: value})
    assert options_of({"options": whole, name: None}) == whole


@pytest.mark.parametrize(
    "how", [{"max_tokens": 0}, {"max_tokens": "5"}, {"temperature": -1}, {"top_p": 2}, {"stop": 1}]
)
def test_what_cannot_be_is_refused(how: dict[str, Any]) -> None:
    with pytest.raises(AiPalError) as caught:
        options_of(how)
    assert caught.value.code == Code.BAD_REQUEST


def test_nothing_said_is_left_to_the_model() -> None:
    assert options_of({"max_tokens": None}) == GenerationOptions()
    assert options_of({"options": None}) == GenerationOptions()


def test_the_system_prompt_comes_first() -> None:
    turns = [Message("system", "be brief"), Message("user", "hi")]
    assert chat_request(1, "hi", Asking(system="be brief")).messages == turns
    assert route_request(1, "hi", Asking(system="be brief")).messages == turns


@pytest.mark.parametrize("wrong", [{"max_token": 3}, {"max_tokens": 3}, {}, "greedy", 3, [("max_tokens", 3)]])
def test_options_are_options_and_no_dict_in_which_a_misspelt_name_says_nothing(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"options=GenerationOptions\(max_tokens=20\)"):
        options_of({"options": wrong})


def test_a_model_is_a_name_or_none() -> None:
    none: Any = {"model": None}
    number: Any = {"model": 7}
    assert chat_request(1, "hi", none).model == ""
    with pytest.raises(AiPalError, match="model is a name, not "):
        chat_request(1, "hi", number)
