"""A template makes the same of a conversation here as in transformers, whatever it is written with."""

from typing import Any

import pytest
from transformers.utils.chat_template_utils import render_jinja_template

from tests.template_features import FEATURES
from workers.engines.jinja_template import FAILURES, JinjaTemplate

FAILED = "failed"
MESSAGES: list[dict[str, Any]] = [
    {"role": "user", "content": "  hi é<&> \n"},
    {"role": "assistant", "content": "yes"},
    {"role": "user", "content": "more"},
]
SPECIALS = {"bos_token": "<s>", "eos_token": "</s>"}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "größe",
            "description": 'Says "how" <big> it\'s\n\t\u2028 🌊.',
            "parameters": {
                "type": "object",
                "properties": {
                    "x": {"$ref": "#/$defs/x"},
                    "y": {"enum": ["a", None, 1.0, True], "default": None},
                },
                "$defs": {"x": {"type": ["string", "null"], "$defs": {"deep": {}}}},
            },
        },
    }
]
LISTED = (
    "{% for t in tools %}{{ t }}{{ t | tojson(indent=4) }}{% set f = t.function %}"
    "{% for k, v in f.parameters.properties.items() %}{{ k }}: {{ v.type }} {{ v.enum }} {{ v.default }}"
    "{% endfor %}{{ f.parameters['$defs'] }}{% endfor %}"
)
"""A template that goes through tools."""


def here(text: str, tools: list[dict[str, Any]] | None = None) -> str:
    try:
        return JinjaTemplate(text, SPECIALS).render(MESSAGES, tools or ())
    except FAILURES:
        return FAILED


def there(text: str, tools: list[dict[str, Any]] | None = None) -> str:
    try:
        (rendered,), _ = render_jinja_template(
            [MESSAGES], tools=tools, chat_template=text, add_generation_prompt=True, **SPECIALS
        )
    except FAILURES:
        return FAILED
    return str(rendered)


@pytest.mark.parametrize("name", FEATURES)
def test_a_feature_does_here_what_it_does_there(name: str) -> None:
    assert here(FEATURES[name]) == there(FEATURES[name])


@pytest.mark.parametrize("template", [LISTED, "{{ tools | tojson }}", "{{ tools }}"])
def test_tools_are_listed_here_as_there(template: str) -> None:
    assert here(template, TOOLS) == there(template, TOOLS) != FAILED


def test_what_never_ends_is_ended() -> None:
    loop = "{% for a in range(99999) %}" * 3 + "{% endfor %}" * 3
    with pytest.raises(ValueError, match="took longer"):
        JinjaTemplate(loop, {}).render(MESSAGES)


def test_what_is_very_long_is_no_template() -> None:
    with pytest.raises(ValueError, match="very long"):
        JinjaTemplate("x" * 300_000, {})


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'x' | dictsort }}",
        "{{ cycler() }}",
        "{% for a in [1] %}" * 25 + "{% endfor %}" * 25,
        "{{ 'x' * 10 ** 18 }}",
    ],
)
def test_a_template_that_fails_in_python_has_failed(text: str) -> None:
    assert here(text) == FAILED
