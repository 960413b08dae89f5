"""From messages to prompts."""

import time
from datetime import datetime

import pytest

from ai_pal.errors import AiPalError
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import Tool
from tests import tiny_models
from workers.engines.transformers.prompts.chat import (
    FORMATS,
    Chat,
    Extras,
    TokenCounter,
    render,
)

TALK = [Message("system", "Be kind."), Message("user", "Hello {you}"), Message("assistant", "Hi.")]


class Tokenizer:
    """A real template engine around a template."""

    def __init__(self, template: str | dict[str, str] | None) -> None:
        from transformers import PreTrainedTokenizerFast

        self._real = PreTrainedTokenizerFast(tokenizer_object=tiny_models.byte_level())
        self.chat_template = self._real.chat_template = template
        self.apply_chat_template = self._real.apply_chat_template


def test_phi_2_is_asked_as_its_card_says() -> None:
    assert render(TALK, FORMATS["phi-2"]) == "Be kind.\nInstruct: Hello {you}\nOutput: Hi.\nOutput:"


def test_the_plain_format_names_the_speakers() -> None:
    assert render(TALK[1:], FORMATS["plain"]) == "User: Hello {you}\nAssistant: Hi.\nAssistant:"


def test_the_format_s_own_marks_stop_an_answer() -> None:
    assert Chat(Tokenizer(None), "phi").stop == FORMATS["phi-2"].stop
    assert not Chat(Tokenizer(tiny_models.TEMPLATE), "phi").stop


def test_a_chosen_format_wins_over_the_template() -> None:
    chat = Chat(Tokenizer(tiny_models.TEMPLATE), "llama", "plain")
    assert chat.render([Message("user", "x")]) == "User: x\nAssistant:"


def test_the_template_is_used_as_it_is() -> None:
    chat = Chat(Tokenizer(tiny_models.TEMPLATE), "llama")
    assert chat.render(TALK[1:2]) == "<|user|>\nHello {you}<|end|>\n<|assistant|>\n"


def test_a_system_message_joins_the_question_where_templates_know_none() -> None:
    template = (
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "[{{ m.content }}]{% endfor %}"
    )
    assert Chat(Tokenizer(template), "x").render(TALK) == "[Be kind.\n\nHello {you}][Hi.]"


def test_a_default_system_message_that_makes_answers_worse_is_left_out() -> None:
    default = "{% if messages[0].role != 'system' %}You are named SmolLM.{% endif %}"
    template = default + "{% for m in messages %}[{{ m.content }}]{% endfor %}"
    assert Chat(Tokenizer(template), "llama").render([Message("user", "x")]) == "[][x]"


def test_a_conversation_that_the_template_refuses_is_a_bad_request() -> None:
    template = "{% if messages|length > 1 %}{{ raise_exception('too long') }}{% endif %}x"
    with pytest.raises(AiPalError, match="too long") as caught:
        Chat(Tokenizer(template), "x").render(TALK)
    assert caught.value.code == "bad_request"


def test_a_template_that_hangs_later_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.engines.template_limits.SECONDS", 0.2)
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    chat = Chat(Tokenizer("{% if messages|length > 2 %}" + loop + "{% endif %}x"), "x")
    begun = time.monotonic()
    with pytest.raises(AiPalError, match="longer than"):
        chat.render([*TALK, *TALK])
    assert time.monotonic() - begun < 10


def test_the_date_stands_still_over_midnight_and_not_over_night() -> None:
    now = [datetime(2026, 11, 30, 23, 50).astimezone().timestamp()]
    template = (
        "{{ strftime_now('%d %b') }}, {{ date_string }}{% for m in messages %}|{{ m.content }}{% endfor %}"
    )
    chat = Chat(Tokenizer(template), "llama", now=lambda: now[0])
    begun = chat.render(TALK[:2])
    assert begun == "30 Nov, 30 Nov 2026|Be kind.|Hello {you}"
    now[0] += 1800
    assert chat.render([*TALK, TALK[1]]).startswith(begun)
    now[0] += 9 * 3600
    assert chat.render([*TALK, TALK[1]]).startswith("01 Dec, 01 Dec 2026|")


def test_the_counter_bounds_what_a_message_adds() -> None:
    chat = Chat(Tokenizer(tiny_models.TEMPLATE), "llama")
    counter = TokenCounter(chat, len)
    bound = counter.fixed + sum(counter.content(one.text) + counter.per_message for one in TALK)
    assert counter.conversation(TALK) <= bound


WITH_TOOLS = "tools: {{ tools[0].function.name }}; " + tiny_models.TEMPLATE


def test_of_several_templates_the_default_is_used_and_its_own_with_tools() -> None:
    chat = Chat(Tokenizer({"rag": "no", "default": tiny_models.TEMPLATE, "tool_use": WITH_TOOLS}), "llama")
    assert chat.render(TALK[1:2]) == "<|user|>\nHello {you}<|end|>\n<|assistant|>\n"
    assert chat.template == tiny_models.TEMPLATE
    assert chat.template_with_tools == WITH_TOOLS
    tool = Tool("look_up", "Look it up.", {"type": "object"})
    assert chat.render(TALK[1:2], Extras(tools=[tool])).startswith("tools: look_up; <|user|>")
    assert chat.traits.tools


def test_several_templates_of_which_none_is_the_default_are_refused_by_name() -> None:
    with pytest.raises(AiPalError, match=r"it has names \(rag, x\), and none is the default"):
        Chat(Tokenizer({"rag": "a", "x": "b"}), "llama")
