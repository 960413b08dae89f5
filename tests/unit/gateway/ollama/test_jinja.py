"""Ollama's templates as llama.cpp's: what they write of a conversation."""

from typing import Any

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ai_pal.gateway.ollama.jinja import is_jinja, jinja_of
from ai_pal.gateway.wire.bodies import BodyError
from tests.unit.gateway.ollama.test_templates import CHATML

PLAIN = '{{ if .System }}"{{ .System }}"\n{{ end }}Q: {{ .Prompt }}\nA: {{ .Response }}\n'
SAID = [("system", "S"), ("user", "a"), ("assistant", "b"), ("user", "c")]


def written(template: str, *turns: tuple[str, str | None]) -> str:
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    said: list[dict[str, Any]] = [{"role": role, "content": content} for role, content in turns]
    return environment.from_string(jinja_of(template)).render(messages=said, add_generation_prompt=True)


@pytest.mark.parametrize(
    ("template", "turns", "text"),
    [
        (PLAIN, SAID, '"S"\nQ: a\nA: b\nQ: c\nA: '),
        (PLAIN, SAID[1:2], "Q: a\nA: "),
        (PLAIN, [*SAID[1:], ("user", "d")], "Q: a\nA: b\nQ: c\n\nd\nA: "),
        (PLAIN, SAID[1:3], "Q: a\nA: b"),
        (PLAIN, [("user", "a"), ("assistant", None), ("user", "c")], "Q: a\n\nc\nA: "),
        ("{{ .Prompt }}", SAID, "abc"),
        ("x {{- .Prompt -}} \n y{{ .Response }}", SAID[1:2], "xay"),
        ("{% raw %}{{ .Prompt }}", SAID[1:2], "{% raw %}a"),
        ("{{ if .System }}s{{ else }}n{{ end }}{{ .Prompt }}{{ .Response }};", SAID, "sab;nc"),
        (
            CHATML,
            SAID,
            "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in SAID)
            + "<|im_start|>assistant\n",
        ),
    ],
)
def test_a_conversation_is_written_in_rounds(
    template: str, turns: list[tuple[str, str | None]], text: str
) -> None:
    assert written(template, *turns) == text


def test_what_is_no_rounds_is_refused() -> None:
    for template in (
        "{{ range .Messages }}{{ end }}",
        "{{ if .Response }}{{ .Response }}{{ end }}",
        "{{ if .System }}",
    ):
        with pytest.raises(BodyError) as refused:
            jinja_of(template)
        assert refused.value.param == "template"
    assert is_jinja("{% for m in messages %}{% endfor %}")
    assert not is_jinja(CHATML)
