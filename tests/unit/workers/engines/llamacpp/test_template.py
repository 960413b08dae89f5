"""What is learned of a template by asking to render with it."""

from typing import Any

import pytest

from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.thinking_levels import BUDGETS
from workers.engines.llamacpp.template import begun_thought, look, thinking_body, thinking_budget
from workers.engines.thought_marks import MARKS


@pytest.mark.parametrize(
    ("text", "off"),
    [
        ("{% if enable_thinking is defined and enable_thinking is false %}<think></think>{% endif %}", False),
        ("{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}", False),
        ("{% if enable_thinking is defined and enable_thinking %}<think>{% endif %}</think>", True),
        ("{% if enable_thinking is defined and enable_thinking is true %}<think>{% endif %}</think>", True),
        ("{% if not enable_thinking | default(false) %}<think></think>{% endif %}", True),
    ],
)
def test_llamacpp_is_told_what_the_template_would_do_by_itself(text: str, off: bool) -> None:
    def render(body: dict[str, Any]) -> str:
        return "on" if body.get("chat_template_kwargs", {}).get("enable_thinking") else "off"

    template = look(text, {}, render)
    assert (template.switch, template.off, template.marks) == ("enable_thinking", off, MARKS[0])
    said = {None: not off, "on": True, "off": False}
    for thinking, value in said.items():
        body = thinking_body(template, GenerationOptions(thinking=thinking))  # type: ignore[arg-type] # one of them
        assert body == {"chat_template_kwargs": {"enable_thinking": value}}
        assert thinking_budget(template, GenerationOptions(thinking=thinking)) is None  # type: ignore[arg-type]
    for level, tokens in BUDGETS.items():
        hard = GenerationOptions(thinking=level)  # type: ignore[arg-type]
        assert thinking_body(template, hard) == {"chat_template_kwargs": {"enable_thinking": True}}
        assert thinking_budget(template, hard) == tokens
    begun = thinking_body(template, GenerationOptions(prefill="It is"))
    assert begun == {"chat_template_kwargs": {"enable_thinking": False}}


def test_a_thought_is_begun_where_nothing_stands_behind_its_mark() -> None:
    assert begun_thought("a<think>\n", MARKS[0]) == "\n"
    assert begun_thought("a<think>\n</think>", MARKS[0]) is None
    assert begun_thought("a<|channel>thought\n", MARKS[2]) == "\n"
    assert begun_thought("a<think>", None) is None
