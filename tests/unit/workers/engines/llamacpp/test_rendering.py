"""What llama.cpp is told of prompts that are rendered here."""

from typing import Any

import pytest

from workers.engines.jinja_template import FAILURES
from workers.engines.llamacpp.rendering import BARE, TOLD, Rendering, carrying, either, is_read, rendering
from workers.engines.unix_http import RefusedError

TURNS = "{% for m in messages %}[{{ m.content }}]{% endfor %}{% if add_generation_prompt %}>{% endif %}"
ABOUT = {"bos_token": "<s>", "eos_token": "</s>", "media_marker": "<M>"}
HELLO = {"role": "user", "content": "hi"}


def told(template: str, **body: Any) -> Any:
    return Rendering(template, ABOUT).told({"messages": [HELLO], **body})["chat_template_kwargs"][TOLD]


def test_a_prompt_is_told_with_what_begins_the_answer_apart() -> None:
    assert told(TURNS) == ["[hi]", ">"]
    answer = {"role": "assistant", "content": "It is"}
    assert told(TURNS, messages=[HELLO, answer], continue_final_message=True) == ["[hi]", ">"]


def test_a_picture_has_its_mark_and_a_call_its_object() -> None:
    seen = [{"type": "image_url", "image_url": {"url": "file://3"}}, {"type": "text", "text": "x"}]
    assert told(TURNS, messages=[{"role": "user", "content": seen}])[0] == "[<M>x]"
    call = {"type": "function", "id": "a", "function": {"name": "f", "arguments": '{"x": 1}'}}
    turn = {"role": "assistant", "content": "", "tool_calls": [call]}
    shown = (
        "{% for m in messages %}{% for c in m.tool_calls or [] %}{{ c.function.arguments.x + 1 }}{% endfor %}"
    )
    assert told(shown + "{% endfor %}", messages=[HELLO, turn])[0] == "2"


def test_what_a_template_refuses_is_refused_in_its_words() -> None:
    with pytest.raises(RefusedError) as caught:
        told("{% if messages[1] %}{{ raise_exception('one only') }}{% endif %}x", messages=[HELLO, HELLO])
    assert caught.value.error["message"] == "one only"


def test_a_refusal_without_words_has_a_name() -> None:
    with pytest.raises(RefusedError) as caught:
        told("{% if messages[1] %}{{ raise_exception('') }}{% endif %}x", messages=[HELLO, HELLO])
    assert caught.value.error["message"] == "TemplateError"


def test_of_two_templates_one_is_for_tools() -> None:
    both = either("t{{ tools | length }}\n", "none\n")
    assert told(both) == ["none", ""]
    assert told(both, tools=[{}, {}]) == ["t2", ""]


def test_llamacpp_renders_what_only_it_can_read() -> None:
    mine = "{% set x = 1 | nobodys_filter %}"
    read = ABOUT | {"chat_template": carrying(mine)}
    assert is_read(mine, read)
    assert rendering(mine, read) is None
    assert rendering("", ABOUT) is None
    with pytest.raises(FAILURES):
        rendering(mine, ABOUT | {"chat_template": BARE})


@pytest.mark.parametrize(
    "odd", ["{% raw %}x{% endraw %}", "{%+ if true %}x{% endif %}", "{% with %}{% endwith %}"]
)
def test_what_llamacpp_cannot_read_it_is_not_given(odd: str) -> None:
    assert carrying(odd) == BARE
    assert carrying("**bold** \\boxed{} // " + TURNS) != BARE
